//! What a server says of itself.

use super::RedisServer;

impl RedisServer {
    /// Returns a section of `INFO`.
    pub async fn info(&self, section: &str) -> String {
        self.command(&["INFO", section]).await
    }

    /// Returns a field of a section of `INFO`, or an empty string.
    pub async fn info_field(&self, section: &str, name: &str) -> String {
        field(&self.info(section).await, name).unwrap_or_default().to_owned()
    }

    /// Returns how often clients called a command since the server started.
    pub async fn command_calls(&self, name: &str) -> u64 {
        self.command_statistic(name, "calls")
            .await
            .map_or(0, |calls| calls.parse().expect("a number"))
    }

    /// Returns how long a command took on average since the server started, in microseconds.
    pub async fn usec_per_call(&self, name: &str) -> f64 {
        self.command_statistic(name, "usec_per_call")
            .await
            .map_or(0.0, |time| time.parse().expect("a number"))
    }

    async fn command_statistic(&self, name: &str, statistic: &str) -> Option<String> {
        let line = self.info_field("commandstats", &format!("cmdstat_{name}")).await;
        let value =
            line.split(',').find_map(|pair| pair.strip_prefix(statistic)?.strip_prefix('='))?;
        Some(value.to_owned())
    }

    /// Changes the configuration of the running server.
    pub async fn set_config(&self, name: &str, value: &str) {
        self.command::<()>(&["CONFIG", "SET", name, value]).await;
    }
}

/// Returns a field of what `INFO` answers.
pub fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}
