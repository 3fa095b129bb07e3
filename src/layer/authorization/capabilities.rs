//! The announcements of a server: for which lists it sends `list_changed`.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The lists for which a server announced `list_changed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    tools: bool,
    prompts: bool,
    resources: bool,
    /// The ID of the subscription, which notifications on its stream have since version 2026-07-28: the text of a JSON
    /// value.
    subscription: Option<String>,
}

impl Announced {
    /// Reads the response to `initialize`, or the acknowledgment of `subscriptions/listen`. Returns `None` for any other
    /// message.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let message: Value = serde_json::from_slice(message).ok()?;
        if let Some(capabilities) = message.pointer("/result/capabilities") {
            let is_announced = |list: &str| capabilities[list]["listChanged"] == true;
            return Some(Self {
                tools: is_announced("tools"),
                prompts: is_announced("prompts"),
                resources: is_announced("resources"),
                subscription: None,
            });
        }
        if message["method"] != "notifications/subscriptions/acknowledged" {
            return None;
        }
        let params = &message["params"];
        let is_announced = |list: &str| params["notifications"][list] == true;
        Some(Self {
            tools: is_announced("toolsListChanged"),
            prompts: is_announced("promptsListChanged"),
            resources: is_announced("resourcesListChanged"),
            subscription: Some(params["_meta"][SUBSCRIPTION].to_string()),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        !(self.tools || self.prompts || self.resources)
    }

    /// Returns the events of `list_changed` for these lists.
    pub(super) fn list_changed(&self) -> Bytes {
        let lists =
            [(self.tools, "tools"), (self.prompts, "prompts"), (self.resources, "resources")];
        let params = match &self.subscription {
            Some(id) => Cow::Owned(format!(r#","params":{{"_meta":{{"{SUBSCRIPTION}":{id}}}}}"#)),
            None => Cow::Borrowed(""),
        };
        let mut events = String::new();
        for (_, list) in lists.into_iter().filter(|(is_announced, _)| *is_announced) {
            let method = format!(r#""method":"notifications/{list}/list_changed""#);
            events += &format!(
                "event: message\r\ndata: {{\"jsonrpc\":\"2.0\",{method}{params}}}\r\n\r\n"
            );
        }
        events.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_changed(message: &str) -> Option<String> {
        let announced = Announced::read(message.as_bytes())?;
        Some(String::from_utf8(announced.list_changed().to_vec()).unwrap())
    }

    #[test]
    fn list_changed_is_for_the_lists_that_initialize_announces() {
        let initialized = r#"{"id":0,"result":{"capabilities":{"tools":{"listChanged":true},"prompts":{},"resources":{"listChanged":false}}}}"#;
        let expected = "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\r\n\r\n";
        assert_eq!(list_changed(initialized).unwrap(), expected);
        assert_eq!(list_changed(r#"{"id":0,"result":{"capabilities":{}}}"#).unwrap(), "");
        for other in
            ["{}", "[]", "x", r#"{"result":{"tools":[]}}"#, r#"{"method":"notifications/x"}"#]
        {
            assert_eq!(list_changed(other), None, "{other}");
        }
    }

    #[test]
    fn notifications_of_a_subscription_have_its_id() {
        let acknowledged = r#"{"method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"a\"1"},"notifications":{"promptsListChanged":true,"toolsListChanged":false}}}"#;
        let data = list_changed(acknowledged).unwrap();
        let data = data.strip_prefix("event: message\r\ndata: ").unwrap().trim_end();
        let message: Value = serde_json::from_str(data).unwrap();
        assert_eq!(message["method"], "notifications/prompts/list_changed");
        assert_eq!(message["params"]["_meta"][SUBSCRIPTION], "a\"1");
    }
}
