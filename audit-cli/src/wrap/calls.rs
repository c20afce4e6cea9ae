//! Which calls are open, and which answer ends which.
//!
//! A call may take several requests: a server may ask for input and be asked again,
//! or make a task of it, whose result is fetched later. It is one event all the same.

mod open;
mod tools;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use audit_jsonl::{CallEvent, Outcome, now_rfc3339};

use crate::ids;
use crate::wrap::calls::open::{Open, Request};
use crate::wrap::calls::tools::Tools;
use crate::wrap::outcome::{self, Listed, Texts, code};
use crate::wrap::scan::message::{Mark, Message, Peer, Reply, RpcError, Task};

/// How long a call that was taken back may still be answered.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Of calls that wait for input, and of tasks, so many are kept track of.
const MOST_KEPT: usize = 10_000;

/// Where every record comes from.
const TIER: &str = "stdio";

/// What the record calls the two sides.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Instead of what the server calls itself.
    pub(crate) server: Option<String>,
    /// Instead of what the client calls itself.
    pub(crate) caller: Option<String>,
    /// While the server has not said what it is called.
    pub(crate) command: String,
}

/// The calls of one client of one server.
#[derive(Debug)]
pub(crate) struct Calls {
    names: Names,
    texts: Texts,
    client: Peer,
    server: Peer,
    tools: Tools,
    open: Open,
    /// Those whose server has asked for input, the oldest first.
    waiting: Vec<Waiting>,
    tasks: HashMap<Mark, OfTask>,
}

/// A call that has not ended.
#[derive(Debug)]
pub(crate) struct Call {
    id: String,
    ts: String,
    began: Instant,
    tool: Option<String>,
    caller: Option<String>,
    /// It came in a form that hardly a server reads: a call only if it is answered.
    is_odd: bool,
}

#[derive(Debug)]
struct Waiting {
    /// What the client is to send back with the input.
    state: Option<Mark>,
    call: Call,
}

#[derive(Debug)]
struct OfTask {
    call: Call,
    status: String,
}

/// A request for a tool's call, and nothing else.
pub(crate) fn is_call(message: &Message) -> bool {
    message.method.as_deref() == Some("tools/call") && message.id.is_some()
}

impl Calls {
    pub(crate) fn new(names: Names, texts: Texts) -> Self {
        Self {
            names,
            texts,
            client: Peer::default(),
            server: Peer::default(),
            tools: Tools::default(),
            open: Open::default(),
            waiting: Vec::new(),
            tasks: HashMap::new(),
        }
    }

    /// A message of the client, which is not yet on its way to the server. The event
    /// of a call that had to be given up for it.
    pub(crate) fn hear_client(&mut self, message: Message) -> Option<CallEvent> {
        if message.params.client.name.is_some() {
            self.client = message.params.client.clone();
        }
        let method = message.method.as_deref()?;
        let Some(id) = &message.id else {
            if method == "notifications/cancelled"
                && let Some(id) = message.params.request_id
            {
                self.open.cancel(id);
            }
            return None;
        };
        let task = message.params.task.id;
        let request = match (method, task) {
            ("tools/call", _) => Request::Call(self.take_up(&message)),
            ("tools/list", _) => Request::Tools {
                is_first: !message.params.has_cursor,
            },
            ("tasks/result", Some(task)) => Request::TaskResult(task),
            ("tasks/get" | "tasks/cancel", Some(task)) => Request::Task(task),
            _ => Request::Other,
        };
        let given_up = self.open.add(id.mark, request)?;
        Some(self.event(given_up, outcome::failed(code::TOO_MANY_OPEN)))
    }

    /// A call that is answered in the server's place, for the log can't be written.
    pub(crate) fn refused(&mut self, message: &Message) -> CallEvent {
        let call = self.take_up(message);
        let outcome = Outcome::ExecutionFailed {
            code: code::REFUSED.into(),
            retryable: true,
        };
        self.event(call, outcome)
    }

    /// A message of the server, which is not yet on its way to the client. The event
    /// of the call that it ends.
    pub(crate) fn hear_server(&mut self, message: Message) -> Option<CallEvent> {
        match message.method.as_deref() {
            Some("notifications/tools/list_changed") => self.tools.forget(),
            Some("notifications/tasks/status" | "notifications/tasks") => {
                let params = message.params;
                return self.task(None, &params.task, params.of_task.as_deref());
            }
            _ => {}
        }
        if message.method.is_some() {
            return None;
        }
        let id = message.id?;
        if message.result.is_none() && message.error.is_none() {
            return None;
        }
        if let Some(server) = message.result.as_ref().map(|reply| &reply.server)
            && server.name.is_some()
        {
            self.server = server.clone();
        }
        let answer = match (message.error, message.result) {
            // Some libraries write `"error": null` beside a result.
            (Some(error), Some(reply)) if error.is_empty() => Ok(reply),
            (Some(error), _) => Err(error),
            (None, reply) => Ok(reply.unwrap_or_default()),
        };
        match self.open.take(id.mark)? {
            Request::Call(call) => self.answered(call, answer),
            Request::Tools { is_first } => {
                self.tools.listed(is_first, answer.ok()?);
                None
            }
            Request::TaskResult(task) => {
                let OfTask { call, status } = self.tasks.remove(&task)?;
                match answer {
                    Err(_) if status == "cancelled" => {
                        Some(self.event(call, outcome::failed(code::CANCELLED)))
                    }
                    answer => Some(self.ended(call, answer)),
                }
            }
            Request::Task(task) => {
                let reply = answer.ok()?;
                self.task(Some(task), &reply.task, Some(&reply))
            }
            Request::Other => None,
        }
    }

    /// Whether every request of the client has its answer.
    pub(crate) fn is_all_answered(&self) -> bool {
        self.open.is_empty()
    }

    /// Calls that were taken back a while ago, and will not be answered.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<CallEvent> {
        let calls = self.open.overdue(now, GRACE);
        let cancelled = || outcome::failed(code::CANCELLED);
        calls
            .into_iter()
            .filter(|call| !call.is_odd)
            .map(|call| self.event(call, cancelled()))
            .collect()
    }

    /// Nothing comes any more: every call that is open ends so. Answers that come all
    /// the same belong to no call.
    pub(crate) fn end(&mut self, code: &str) -> Vec<CallEvent> {
        let mut ends = Vec::new();
        for (call, is_cancelled) in self.open.end() {
            let code = if is_cancelled { code::CANCELLED } else { code };
            if !call.is_odd {
                ends.push((call, outcome::failed(code)));
            }
        }
        for waiting in std::mem::take(&mut self.waiting) {
            ends.push((waiting.call, outcome::failed(code::INPUT_REQUIRED)));
        }
        for (_, OfTask { call, status }) in std::mem::take(&mut self.tasks) {
            let outcome = match status.as_str() {
                "completed" => Outcome::Success,
                "failed" => outcome::failed(code::TASK_FAILED),
                _ => outcome::failed(code::TASK_UNFINISHED),
            };
            ends.push((call, outcome));
        }
        ends.sort_by_key(|(call, _)| call.began);
        ends.into_iter()
            .map(|(call, outcome)| self.event(call, outcome))
            .collect()
    }

    /// The call that a request begins, or goes on with.
    fn take_up(&mut self, message: &Message) -> Call {
        let params = &message.params;
        let state = params.request_state;
        if state.is_some() || params.has_input_responses {
            let found = self
                .waiting
                .iter()
                .position(|waiting| waiting.state == state && waiting.call.tool == params.name);
            if let Some(at) = found {
                return self.waiting.remove(at).call;
            }
        }
        self.begin(message)
    }

    fn begin(&self, message: &Message) -> Call {
        Call {
            id: ids::call_id(),
            ts: now_rfc3339(),
            began: Instant::now(),
            tool: message.params.name.clone(),
            caller: self.names.caller.clone().or_else(|| self.client.label()),
            is_odd: message.is_odd,
        }
    }

    fn answered(&mut self, call: Call, answer: Result<Reply, RpcError>) -> Option<CallEvent> {
        if let Ok(reply) = &answer {
            if reply.result_type.as_deref() == Some("input_required") {
                let state = reply.request_state;
                self.waiting.push(Waiting { state, call });
                let too_many = self.waiting.len() > MOST_KEPT;
                let oldest = too_many.then(|| self.waiting.remove(0).call)?;
                return Some(self.event(oldest, outcome::failed(code::INPUT_REQUIRED)));
            }
            let is_task = reply.result_type.as_deref() == Some("task") || !reply.has_content;
            if let Some(task) = reply.task.id.filter(|_| is_task) {
                let status = reply.task.status.clone().unwrap_or_default();
                let given_up = self.tasks.insert(task, OfTask { call, status });
                let given_up = given_up.or_else(|| self.one_task_too_many());
                let call = given_up?.call;
                return Some(self.event(call, outcome::failed(code::TASK_UNFINISHED)));
            }
        }
        Some(self.ended(call, answer))
    }

    fn one_task_too_many(&mut self) -> Option<OfTask> {
        if self.tasks.len() <= MOST_KEPT {
            return None;
        }
        let oldest = self.tasks.iter().min_by_key(|(_, task)| task.call.began);
        let oldest = oldest.map(|(id, _)| *id)?;
        self.tasks.remove(&oldest)
    }

    fn ended(&self, call: Call, answer: Result<Reply, RpcError>) -> CallEvent {
        let listed = match &call.tool {
            Some(tool) => self.tools.has(tool),
            // Whatever was wrong, no tool was asked for that isn't there.
            None => Listed::Yes,
        };
        let outcome = match answer {
            Ok(reply) => outcome::of_result(&reply, listed, self.texts),
            Err(error) => outcome::of_error(&error, listed, self.texts),
        };
        self.event(call, outcome)
    }

    /// News of a task; if it has ended in a way that leaves nothing to ask for, the
    /// event of its call.
    fn task(&mut self, id: Option<Mark>, news: &Task, how: Option<&Reply>) -> Option<CallEvent> {
        let id = id.or(news.id)?;
        let status = news.status.as_deref()?;
        let task = self.tasks.get_mut(&id)?;
        status.clone_into(&mut task.status);
        let answer = match (status, how) {
            ("cancelled", _) => {
                let call = self.tasks.remove(&id)?.call;
                return Some(self.event(call, outcome::failed(code::CANCELLED)));
            }
            (
                "completed",
                Some(Reply {
                    of_task: Some(reply),
                    ..
                }),
            ) => Ok((**reply).clone()),
            (
                "failed",
                Some(Reply {
                    error: Some(error), ..
                }),
            ) => Err(error.clone()),
            _ => return None,
        };
        let call = self.tasks.remove(&id)?.call;
        Some(self.ended(call, answer))
    }

    fn event(&self, call: Call, outcome: Outcome) -> CallEvent {
        let names = [&self.names.server, &self.server.name];
        let server = names.into_iter().flatten().next();
        let server = server.unwrap_or(&self.names.command);
        let tool = call.tool.as_deref().unwrap_or("?");
        let took = call.began.elapsed().as_millis();
        CallEvent::new(
            call.ts,
            call.id,
            format!("{server}:{tool}"),
            u64::try_from(took).unwrap_or(u64::MAX),
            outcome,
            TIER,
        )
        .with_caller_id(call.caller)
    }
}

impl Peer {
    /// As `claude-desktop 1.4`.
    fn label(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        Some(match self.version.as_deref() {
            None | Some("") => name.into(),
            Some(version) => format!("{name} {version}"),
        })
    }
}

#[cfg(test)]
mod tests;
