//! The connection to Redis: outages, time-outs, and what they cost.
