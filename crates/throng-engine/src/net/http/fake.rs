//! HTTP in a network in memory: a test answers what robots ask. Cookies and redirects are as over sockets.

use super::client::Client;
use super::exchange::Followed;
use super::{HttpAnswer, Job, Spent, Trouble};
use crate::http::{Asked, HttpResponse};
use crate::id::OperationKey;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use throng_metrics::FailureKind;

/// What a robot asks, as a server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpQuestion {
    /// Who asks.
    pub key: OperationKey,
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers, names in small letters.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Requests of a network in memory.
#[derive(Debug, Default)]
pub(crate) struct Fakes {
    questions: VecDeque<HttpQuestion>,
    waiting: HashMap<OperationKey, Waiting>,
    answers: VecDeque<HttpAnswer>,
}

#[derive(Debug)]
struct Waiting {
    client: Arc<Client>,
    asked: Asked,
    followed: u32,
}

impl Fakes {
    pub(crate) fn is_quiet(&self) -> bool {
        self.questions.is_empty() && self.answers.is_empty()
    }

    pub(crate) fn ask(&mut self, job: Job) {
        let Job { key, client, asked, .. } = job;
        self.put(key, Waiting { client, asked, followed: 0 });
    }

    fn put(&mut self, key: OperationKey, waiting: Waiting) {
        let Waiting { client, asked, .. } = &waiting;
        let headers = asked.headers_to_send(client);
        let headers = headers.unwrap_or_default();
        self.questions.push_back(HttpQuestion {
            key,
            method: asked.method.to_string(),
            url: asked.url.to_string(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                .collect(),
            body: asked.body.to_vec(),
        });
        self.waiting.insert(key, waiting);
    }

    pub(crate) fn next(&mut self) -> Option<HttpQuestion> {
        self.questions.pop_front()
    }

    /// A response, which may send the robot on.
    pub(crate) fn respond(&mut self, key: OperationKey, response: HttpResponse) {
        let Some(mut waiting) = self.waiting.remove(&key) else { return };
        let asked = &mut waiting.asked;
        match asked.take_in(&waiting.client, &response, &mut waiting.followed) {
            Ok(Followed::Onward) => self.put(key, waiting),
            Ok(Followed::Arrived) => self.answer(key, Ok(response)),
            Err(trouble) => self.answer(key, Err(trouble)),
        }
    }

    /// Nothing listens there.
    pub(crate) fn refuse(&mut self, key: OperationKey, text: &str) {
        if self.waiting.remove(&key).is_some() {
            self.answer(key, Err(Trouble::new(FailureKind::Refused, text)));
        }
    }

    fn answer(&mut self, key: OperationKey, outcome: Result<HttpResponse, Trouble>) {
        self.answers.push_back(HttpAnswer { key, outcome, spent: Spent::default(), seat: None });
    }

    pub(crate) fn next_answer(&mut self) -> Option<HttpAnswer> {
        self.answers.pop_front()
    }
}
