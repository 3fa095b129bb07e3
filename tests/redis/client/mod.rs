//! The connection to Redis: outages, time-outs, and what they cost.

mod connections;
mod outages;
mod stalls;
mod tls;
