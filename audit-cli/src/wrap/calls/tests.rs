use super::*;
use crate::wrap::scan::Scanner;
use crate::wrap::scan::message::Marker;

/// Lines of both sides, through scanners, into calls.
struct Session {
    client: Scanner,
    server: Scanner,
    calls: Calls,
    events: Vec<CallEvent>,
}

impl Session {
    fn new() -> Self {
        let marker = Marker::default();
        let names = Names {
            command: "cmd".into(),
            ..Names::default()
        };
        Self {
            client: Scanner::new(marker.clone()),
            server: Scanner::new(marker),
            calls: Calls::new(names, Texts(false)),
            events: Vec::new(),
        }
    }

    fn line(&mut self, is_clients: bool, bytes: &[u8]) {
        let scanner = if is_clients {
            &mut self.client
        } else {
            &mut self.server
        };
        let (_, ended) = scanner.line(bytes);
        for message in ended.unwrap_or_else(|| scanner.end()) {
            self.events.extend(if is_clients {
                self.calls.hear_client(message)
            } else {
                self.calls.hear_server(message)
            });
        }
    }

    fn end(&mut self, code: &str) {
        self.events.extend(self.calls.end(code));
    }

    fn client(&mut self, line: &str) {
        self.line(true, line.as_bytes());
    }

    fn server(&mut self, line: &str) {
        self.line(false, line.as_bytes());
    }

    fn call(&mut self, id: usize) {
        self.client(&format!(
            r#"{{"id":{id},"method":"tools/call","params":{{"name":"t{id}"}}}}"#
        ));
    }

    fn answer(&mut self, id: usize, result: &str) {
        self.server(&format!(r#"{{"id":{id},"result":{result}}}"#));
    }

    /// What was told since the last time, as `t1 success`, `t1 cancelled`.
    fn told(&mut self) -> Vec<String> {
        let told = |event: CallEvent| {
            let tool = event.tool_id.trim_start_matches("cmd:").to_owned();
            match event.outcome {
                Outcome::ExecutionFailed { code, .. } => format!("{tool} {code}"),
                outcome => format!("{tool} {}", outcome.kind()),
            }
        };
        self.events.drain(..).map(told).collect()
    }
}

#[test]
fn a_call_that_was_taken_back_is_told_after_a_while_and_only_once() {
    let mut session = Session::new();
    session.call(1);
    session.call(2);
    session.client(r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    let now = Instant::now();
    assert!(
        session.calls.overdue(now).is_empty(),
        "it may still be answered"
    );
    let overdue = session.calls.overdue(now + GRACE);
    session.events.extend(overdue);
    assert_eq!(session.told(), ["t1 cancelled"]);
    session.answer(1, r#"{"content":[]}"#);
    session.events.extend(session.calls.overdue(now + GRACE));
    assert!(session.told().is_empty());
    session.answer(2, r#"{"content":[]}"#);
    assert_eq!(session.told(), ["t2 success"]);
    assert!(session.calls.end("end").is_empty());
}

#[test]
fn a_call_that_nobody_reads_is_none_when_it_is_taken_back() {
    let mut session = Session::new();
    session.client(r#"[{"id":1,"method":"tools/call","params":{"name":"t1"}}]"#);
    session.client(r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    let overdue = session.calls.overdue(Instant::now() + GRACE);
    assert!(overdue.is_empty());
}

#[test]
fn an_answer_in_time_counts_also_of_a_call_that_was_taken_back() {
    let mut session = Session::new();
    session.call(1);
    session.client(r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    session.answer(1, r#"{"content":[]}"#);
    assert_eq!(session.told(), ["t1 success"]);
    assert!(session.calls.overdue(Instant::now() + GRACE).is_empty());
}

#[test]
fn what_is_kept_track_of_is_bounded() {
    let mut session = Session::new();
    for id in 0..=MOST_KEPT {
        session.call(id);
    }
    assert_eq!(session.told(), ["t0 too_many_open"]);
    for id in 1..=MOST_KEPT {
        let result = format!(r#"{{"resultType":"input_required","requestState":"{id}"}}"#);
        session.answer(id, &result);
    }
    assert!(session.told().is_empty());
    session.call(0);
    session.answer(0, r#"{"resultType":"input_required"}"#);
    assert_eq!(session.told(), ["t1 input_required"]);
    for id in 0..=MOST_KEPT {
        session.call(id);
        session.answer(id, &format!(r#"{{"task":{{"taskId":"{id}"}}}}"#));
    }
    assert_eq!(session.told(), ["t0 task_unfinished"]);
    session.end("end");
    assert_eq!(session.told().len(), 2 * MOST_KEPT);
}

#[test]
fn one_call_can_wait_for_input_while_another_of_the_same_state_does() {
    let mut session = Session::new();
    let retry = |id: usize| {
        format!(
            r#"{{"id":{id},"method":"tools/call","params":{{"name":"t1","requestState":"same"}}}}"#
        )
    };
    for id in [1, 2] {
        session.call(id);
        session.answer(
            id,
            r#"{"resultType":"input_required","requestState":"same"}"#,
        );
    }
    session.client(&retry(3));
    session.answer(3, r#"{"content":[]}"#);
    assert_eq!(session.told(), ["t1 success"]);
    // The same again belongs to nothing, and is a call of its own.
    session.client(&retry(4));
    session.answer(4, r#"{"content":[]}"#);
    assert_eq!(session.told(), ["t1 success"]);
    session.end("end");
    assert_eq!(session.told(), ["t2 input_required"]);
}

#[test]
fn a_round_that_is_refused_ends_its_call() {
    let mut session = Session::new();
    session.call(1);
    session.answer(1, r#"{"resultType":"input_required","requestState":"s"}"#);
    let retry = br#"{"id":2,"method":"tools/call","params":{"name":"t1","requestState":"s"}}"#;
    session.client.line(retry);
    for message in session.client.end() {
        let refused = session.calls.refused(&message);
        session.events.push(refused);
    }
    session.end("end");
    assert_eq!(session.told(), ["t1 refused_log_unavailable"]);
}
