//! The members and methods by which a message is known before it has come to its end.

/// Members of results that are lists.
pub(super) const LISTS: [&str; 4] = ["tools", "prompts", "resources", "resourceTemplates"];

/// A member of a message that is no result, and so no list. `params` says less: `method` may follow it.
pub(super) const NO_RESULT: [&str; 1] = ["error"];

/// The notification that names a resource, and the one by which a server announces on a stream.
pub(super) const NOTIFICATIONS: [&str; 2] =
    ["notifications/resources/updated", "notifications/subscriptions/acknowledged"];

/// Members of the response to `initialize`, in which the server announces.
pub(super) const INITIALIZED: [&str; 5] =
    ["capabilities", "protocolVersion", "serverInfo", "supportedVersions", "instructions"];

/// Members of results that are no lists.
pub(super) const NO_LIST: [&str; 13] = [
    "content",
    "structuredContent",
    "isError",
    "contents",
    "messages",
    "completion",
    "task",
    "tasks",
    "taskId",
    "createdAt",
    "inputRequests",
    "requestState",
    "roots",
];
