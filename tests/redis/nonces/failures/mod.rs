//! Each way in which Redis fails, under load. Each test prints a line of the table in the guide:
//! failure, how many signatures were served twice, and for how long requests were refused after Redis was back.

mod kept;
mod lost;
mod masters;
