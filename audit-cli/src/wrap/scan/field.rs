//! Which members of a message are kept, and where they go.

use crate::wrap::scan::message::{
    Id, LONGEST_ID, LONGEST_NAME, LONGEST_TEXT, Mark, Message, Reply, RpcError,
};

/// How deep what is kept may stand.
pub(crate) const DEEPEST: usize = 6;

/// The longest key that matters, and more.
pub(crate) const LONGEST_KEY: usize = 64;

macro_rules! keys {
    ($($name:ident = $($text:literal)|+,)*) => {
        /// A key that matters, an item of an array, or any other key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Key { $($name,)* Item, Other }

        impl Key {
            pub(crate) fn of(text: &[u8]) -> Self {
                $($(if text == $text.as_bytes() { return Self::$name; })+)*
                Self::Other
            }
        }
    };
}

keys! {
    Id = "id",
    Method = "method",
    Params = "params",
    Result = "result",
    Error = "error",
    Name = "name",
    Version = "version",
    Meta = "_meta",
    ClientInfo = "clientInfo" | "io.modelcontextprotocol/clientInfo",
    ServerInfo = "serverInfo" | "io.modelcontextprotocol/serverInfo",
    RequestState = "requestState",
    InputResponses = "inputResponses",
    RequestId = "requestId",
    Cursor = "cursor",
    NextCursor = "nextCursor",
    Task = "task",
    TaskId = "taskId",
    Status = "status",
    IsError = "isError",
    Content = "content",
    Text = "text",
    ResultType = "resultType",
    Tools = "tools",
    Code = "code",
    Message = "message",
    Data = "data",
    RetryAfter = "retryAfter" | "retry_after",
    RetryAfterMs = "retryAfterMs" | "retry_after_ms",
    Required = "requiredCapabilities",
    Sampling = "sampling",
    Elicitation = "elicitation",
    Roots = "roots",
    Tasks = "tasks",
}

/// What is to be kept of a value that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    /// The text of a string, up to so many bytes.
    Text(usize),
    /// That it is the same as another string.
    Mark,
    /// The JSON text, up to so many bytes, and its mark.
    Raw(usize),
}

/// A value that was kept.
#[derive(Debug)]
pub(crate) enum Kept {
    Text(String),
    Mark(Mark),
    Raw(Id),
}

/// A value begins at that path: what is to be kept of it? Those that are known by
/// being there are noted at once.
pub(crate) fn begin(message: &mut Message, path: &[Key]) -> Keep {
    match path {
        [Key::Id] => Keep::Raw(LONGEST_ID),
        [Key::Method] => Keep::Text(LONGEST_NAME),
        // The last of several counts, as for most parsers.
        [Key::Params] => {
            message.params = Default::default();
            Keep::Nothing
        }
        [Key::Result] => {
            message.result = Some(Reply::default());
            Keep::Nothing
        }
        [Key::Error] => {
            message.error = Some(RpcError::default());
            Keep::Nothing
        }
        [Key::Result, rest @ ..] => match &mut message.result {
            Some(reply) => begin_reply(reply, rest),
            None => Keep::Nothing,
        },
        [Key::Error, rest @ ..] => match &mut message.error {
            Some(error) => begin_error(error, rest),
            None => Keep::Nothing,
        },
        [Key::Params, rest @ ..] if is_of_task(rest) => {
            begin_reply(message.params.of_task.get_or_insert_default(), rest)
        }
        [Key::Params, rest @ ..] => begin_params(message, rest),
        _ => Keep::Nothing,
    }
}

fn begin_params(message: &mut Message, path: &[Key]) -> Keep {
    let params = &mut message.params;
    match path {
        [Key::Name]
        | [Key::ClientInfo, Key::Name | Key::Version]
        | [Key::Meta, Key::ClientInfo, Key::Name | Key::Version]
        | [Key::Status] => Keep::Text(LONGEST_NAME),
        [Key::RequestState | Key::TaskId] => Keep::Mark,
        [Key::RequestId] => Keep::Raw(LONGEST_ID),
        [Key::InputResponses] => {
            params.has_input_responses = true;
            Keep::Nothing
        }
        [Key::Cursor] => {
            params.has_cursor = true;
            Keep::Nothing
        }
        _ => Keep::Nothing,
    }
}

fn begin_reply(reply: &mut Reply, path: &[Key]) -> Keep {
    match path {
        [Key::IsError] => Keep::Raw(LONGEST_NAME),
        [Key::Content] => {
            reply.has_content = true;
            Keep::Nothing
        }
        [Key::Content, Key::Item, Key::Text] => Keep::Text(LONGEST_TEXT),
        [Key::ResultType | Key::Status]
        | [Key::Task, Key::Status]
        | [Key::ServerInfo, Key::Name | Key::Version]
        | [Key::Meta, Key::ServerInfo, Key::Name | Key::Version]
        | [Key::Tools, Key::Item, Key::Name] => Keep::Text(LONGEST_NAME),
        [Key::RequestState | Key::TaskId] | [Key::Task, Key::TaskId] => Keep::Mark,
        [Key::Tools] => {
            reply.tools = Some(Vec::new());
            Keep::Nothing
        }
        [Key::NextCursor] => {
            reply.has_next_cursor = true;
            Keep::Nothing
        }
        [Key::Result] => {
            reply.of_task = Some(Box::default());
            Keep::Nothing
        }
        [Key::Result, rest @ ..] => match &mut reply.of_task {
            Some(of_task) => begin_reply(of_task, rest),
            None => Keep::Nothing,
        },
        [Key::Error] => {
            reply.error = Some(RpcError::default());
            Keep::Nothing
        }
        [Key::Error, rest @ ..] => match &mut reply.error {
            Some(error) => begin_error(error, rest),
            None => Keep::Nothing,
        },
        _ => Keep::Nothing,
    }
}

fn begin_error(error: &mut RpcError, path: &[Key]) -> Keep {
    match path {
        [Key::Code] | [Key::Data, Key::RetryAfter | Key::RetryAfterMs] => Keep::Raw(LONGEST_NAME),
        [Key::Message] => Keep::Text(LONGEST_TEXT),
        [Key::Data, Key::Required, capability] => {
            let name = match capability {
                Key::Sampling => "sampling",
                Key::Elicitation => "elicitation",
                Key::Roots => "roots",
                Key::Tasks => "tasks",
                _ => "other",
            };
            if !error.required.contains(&name) {
                error.required.push(name);
            }
            Keep::Nothing
        }
        _ => Keep::Nothing,
    }
}

/// Puts what was kept where it belongs.
pub(crate) fn end(message: &mut Message, path: &[Key], kept: Kept) {
    match (path, kept) {
        ([Key::Id], Kept::Raw(id)) => message.id = Some(id),
        ([Key::Method], Kept::Text(text)) => message.method = Some(text),
        ([Key::Params, rest @ ..], kept) if is_of_task(rest) => {
            if let Some(reply) = &mut message.params.of_task {
                end_reply(reply, rest, kept);
            }
        }
        ([Key::Error, rest @ ..], kept) => {
            if let Some(error) = &mut message.error {
                end_error(error, rest, kept);
            }
        }
        ([Key::Result, rest @ ..], kept) => {
            if let Some(reply) = &mut message.result {
                end_reply(reply, rest, kept);
            }
        }
        ([Key::Params, rest @ ..], kept) => end_params(message, rest, kept),
        _ => {}
    }
}

fn end_params(message: &mut Message, path: &[Key], kept: Kept) {
    let params = &mut message.params;
    match (path, kept) {
        ([Key::Name], Kept::Text(text)) => params.name = Some(text),
        ([Key::RequestState], Kept::Mark(mark)) => params.request_state = Some(mark),
        ([Key::RequestId], Kept::Raw(id)) => params.request_id = Some(id.mark),
        ([Key::TaskId], Kept::Mark(mark)) => params.task.id = Some(mark),
        ([Key::Status], Kept::Text(text)) => params.task.status = Some(text),
        ([.., Key::ClientInfo, Key::Name], Kept::Text(text)) => params.client.name = Some(text),
        ([.., Key::ClientInfo, Key::Version], Kept::Text(text)) => {
            params.client.version = Some(text);
        }
        _ => {}
    }
}

fn end_reply(reply: &mut Reply, path: &[Key], kept: Kept) {
    match (path, kept) {
        ([Key::IsError], Kept::Raw(id)) => reply.is_error = id.raw.as_deref() == Some("true"),
        ([Key::Content, ..], Kept::Text(text)) => reply.add_text(&text),
        ([Key::ResultType], Kept::Text(text)) => reply.result_type = Some(text),
        ([Key::RequestState], Kept::Mark(mark)) => reply.request_state = Some(mark),
        ([.., Key::TaskId], Kept::Mark(mark)) => reply.task.id = Some(mark),
        ([Key::Status] | [Key::Task, Key::Status], Kept::Text(text)) => {
            reply.task.status = Some(text);
        }
        ([.., Key::ServerInfo, Key::Name], Kept::Text(text)) => reply.server.name = Some(text),
        ([.., Key::ServerInfo, Key::Version], Kept::Text(text)) => {
            reply.server.version = Some(text);
        }
        ([Key::Tools, ..], Kept::Text(text)) => reply.add_tool(text),
        ([Key::Result, rest @ ..], kept) => {
            if let Some(of_task) = &mut reply.of_task {
                end_reply(of_task, rest, kept);
            }
        }
        ([Key::Error, rest @ ..], kept) => {
            if let Some(error) = &mut reply.error {
                end_error(error, rest, kept);
            }
        }
        _ => {}
    }
}

fn end_error(error: &mut RpcError, path: &[Key], kept: Kept) {
    match (path, kept) {
        ([Key::Code], Kept::Raw(id)) => error.code = number(&id).map(|code| code as i64),
        ([Key::Message], Kept::Text(text)) => error.message = text,
        ([Key::Data, Key::RetryAfterMs], Kept::Raw(id)) => {
            error.retry_after_ms = number(&id).map(|ms| ms as u64);
        }
        // As in HTTP, seconds.
        ([Key::Data, Key::RetryAfter], Kept::Raw(id)) => {
            error.retry_after_ms = number(&id).map(|seconds| (seconds * 1000.0) as u64);
        }
        _ => {}
    }
}

fn number(id: &Id) -> Option<f64> {
    id.raw
        .as_deref()?
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// How a task ended stands in the `params` of `notifications/tasks`.
fn is_of_task(path: &[Key]) -> bool {
    matches!(path, [Key::Result | Key::Error, ..])
}
