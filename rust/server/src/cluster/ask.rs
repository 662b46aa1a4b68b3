//! An operator's questions to the servers of a cluster.

use std::{
    collections::VecDeque,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use synced_protocol::{id::ServerId, store::MemberAddress};
use synced_transport::{
    cluster::{Credentials, OPERATOR_FILES},
    operator,
};
use tokio::{runtime, runtime::Runtime};

use super::{answer::Answer, folder::ClusterFolder};
use crate::{
    exit::{Exit, Failure},
    serve::of_transport,
};

/// How long one answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
/// How long it is tried to find who leads.
const LEADER_TIME_MAX: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Somebody with the operator's certificate.
pub(crate) struct Operator {
    credentials: Credentials,
    runtime: Runtime,
}

impl Operator {
    /// The operator of a cluster's folder.
    ///
    /// # Errors
    /// When the certificate cannot be used.
    pub(crate) fn of(folder: &ClusterFolder) -> Result<Self, Failure> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            credentials: Credentials::load(&folder.path, OPERATOR_FILES).map_err(of_transport)?,
            runtime: runtime.map_err(|error| Failure::new(Exit::Unforeseen, error))?,
        })
    }

    /// Asks the server at one address.
    ///
    /// # Errors
    /// Why there is no answer, or what the server says is wrong with the question.
    pub(crate) fn ask(&self, address: &str, question: &Value) -> Result<Value, String> {
        let mut answers = self.ask_all(&[address.to_owned()], question);
        answers
            .pop()
            .unwrap_or_else(|| Err("nobody was asked".to_owned()))
    }

    /// Asks the servers at some addresses, all at once; the answers are in their order.
    pub(crate) fn ask_all(
        &self,
        addresses: &[String],
        question: &Value,
    ) -> Vec<Result<Value, String>> {
        self.raw_all(addresses, question)
            .into_iter()
            .map(|answer| answer.and_then(ok))
            .collect()
    }

    /// Has the leader do something, and gives its answer.
    ///
    /// # Errors
    /// When nobody leads, or the leader declines.
    pub(crate) fn ask_leader(
        &self,
        known: &[MemberAddress],
        order: &Value,
    ) -> Result<Value, Failure> {
        let deadline = Instant::now() + LEADER_TIME_MAX;
        let mut addresses: VecDeque<_> = addresses_of(known).into();
        loop {
            let address = addresses.pop_front().unwrap_or_default();
            addresses.push_back(address.clone());
            let problem = match Reply::of(self.raw_all(&[address], order).pop()) {
                Reply::Done(answer) => return Ok(answer),
                Reply::Declined(why) => return Err(Failure::new(Exit::Declined, why)),
                Reply::Elsewhere(leader, why) => {
                    addresses.push_front(leader);
                    why
                }
                Reply::Nowhere(why) => why,
            };
            if Instant::now() > deadline {
                return Err(Failure::new(
                    Exit::Unanswered,
                    format_args!("no leader took it: {problem}"),
                ));
            }
            thread::sleep(RETRY_INTERVAL);
        }
    }

    /// Who leads, and what that server says of itself.
    pub(crate) fn leader(&self, known: &[MemberAddress]) -> Option<(ServerId, Answer)> {
        let answers = self.ask_all(&addresses_of(known), &json!({"do": "status"}));
        let servers = known.iter().map(|member| member.peer.server);
        let parsed = servers.zip(answers).filter_map(|(server, answer)| {
            let answer: Answer = serde_json::from_value(answer.ok()?).ok()?;
            answer.leads().then_some((server, answer))
        });
        parsed.max_by_key(|(_, answer)| answer.term())
    }

    fn raw_all(&self, addresses: &[String], question: &Value) -> Vec<Result<Value, String>> {
        let question = question.to_string();
        self.runtime.block_on(async {
            let asked: Vec<_> = addresses
                .iter()
                .map(|address| {
                    let (credentials, address, question) =
                        (self.credentials.clone(), address.clone(), question.clone());
                    tokio::spawn(async move { one(&credentials, &address, question).await })
                })
                .collect();
            let mut answers = Vec::new();
            for answer in asked {
                answers.push(answer.await.unwrap_or_else(|error| Err(error.to_string())));
            }
            answers
        })
    }
}

/// What became of an order.
#[derive(Debug, PartialEq)]
enum Reply {
    Done(Value),
    /// It cannot be, and why.
    Declined(String),
    /// It is for the server at this address.
    Elsewhere(String, String),
    /// Nobody can be asked just now.
    Nowhere(String),
}

impl Reply {
    fn of(answer: Option<Result<Value, String>>) -> Self {
        let mut answer = match answer {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => return Self::Nowhere(error),
            None => return Self::Nowhere("nobody was asked".to_owned()),
        };
        if let Some(ok) = answer.get_mut("ok") {
            return Self::Done(ok.take());
        }
        let why = text_of(&answer);
        match (answer.get("leader"), answer["leader_address"].as_str()) {
            (_, Some(address)) => Self::Elsewhere(address.to_owned(), why),
            (Some(_), None) => Self::Nowhere(why),
            (None, None) => Self::Declined(why),
        }
    }
}

fn addresses_of(members: &[MemberAddress]) -> Vec<String> {
    members
        .iter()
        .map(|member| member.peer.address.clone())
        .collect()
}

async fn one(credentials: &Credentials, address: &str, question: String) -> Result<Value, String> {
    let answer = operator::ask(address, credentials, question.as_bytes(), ANSWER_TIME_MAX).await;
    let bytes = answer.map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| format!("its answer is no JSON: {error}"))
}

fn ok(mut answer: Value) -> Result<Value, String> {
    match answer.get_mut("ok") {
        Some(ok) => Ok(ok.take()),
        None => Err(text_of(&answer)),
    }
}

fn text_of(answer: &Value) -> String {
    answer["error"]
        .as_str()
        .map_or_else(|| answer.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_done_declined_led_elsewhere_or_to_be_tried_again() {
        let reply = |answer: Value| Reply::of(Some(Ok(answer)));
        assert_eq!(reply(json!({"ok": 7})), Reply::Done(json!(7)));
        assert_eq!(
            reply(json!({"error": "no"})),
            Reply::Declined("no".to_owned())
        );
        let elsewhere = json!({"error": "ask there", "leader": 3, "leader_address": "c:1"});
        assert_eq!(
            reply(elsewhere),
            Reply::Elsewhere("c:1".to_owned(), "ask there".to_owned())
        );
        let nobody = json!({"error": "nobody leads", "leader": null});
        assert_eq!(reply(nobody), Reply::Nowhere("nobody leads".to_owned()));
        assert_eq!(
            Reply::of(Some(Err("gone".to_owned()))),
            Reply::Nowhere("gone".to_owned())
        );
    }
}
