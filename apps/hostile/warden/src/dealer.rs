//! Hands out test cases to the ward that asks for them, and starts it again when one has ended it.

use crate::{CASES, Error, ask, control};
use alloc::format;
use alloc::string::String;
use munal::cases::Request;
use warden::cases::Cases;

const WARDS: control::wards = control::wards;

/// The ward that takes cases, and how far it is.
pub struct Dealer {
    /// Its index in audit.
    pub index: u32,
    name: String,
    cases: Cases,
    /// It waited in its case when it was last looked at.
    waited: bool,
}

impl Dealer {
    /// For the instance of this index and name.
    pub fn new(index: u32, name: &str) -> Self {
        Self { index, name: name.into(), cases: Cases::default(), waited: false }
    }

    /// Whether a case was given that has not come back.
    pub fn is_open(&self) -> bool {
        self.cases.open().is_some()
    }

    /// All cases in words, once they are done.
    pub fn result(&self) -> Option<Result<String, String>> {
        self.cases.result()
    }

    /// Takes the request that is there and answers it with the next case; where there is none, its client waits for ever.
    pub fn deal(&mut self) -> Result<(), String> {
        let mut request = [0; 8];
        let length = CASES.receive(&mut request, 0).map_err(|why| format!("the cases: {why}"))? as usize;
        let request = request.get(..length).and_then(Request::decode).ok_or("the cases: this is no request")?;
        let lowest = Error::ALL.iter().map(|error| error.code()).min().unwrap_or(0);
        self.waited = false;
        match self.cases.request(request, &self.look()?.error, lowest) {
            Some(case) => match CASES.reply(&case.to_le_bytes()) {
                Ok(_) | Err(Error::NotFound) => Ok(()),
                Err(why) => Err(format!("the cases: {why}")),
            },
            None => Ok(()),
        }
    }

    /// Nothing came for a while: starts the client where its case ended it, ends it where it waits in it.
    pub fn glance(&mut self) -> Result<(), String> {
        if !self.is_open() {
            return Ok(());
        }
        match self.look()?.state.as_str() {
            "ended" => {
                self.cases.left();
                self.control(WARDS.start(self.name.as_bytes()))
            }
            "failed" | "stopped" => self.control(WARDS.start(self.name.as_bytes())),
            "waiting" if self.waited => {
                self.cases.cut_short();
                self.control(WARDS.restart(self.name.as_bytes()))
            }
            state => {
                self.waited = state == "waiting";
                Ok(())
            }
        }
    }

    fn look(&self) -> Result<munal::audit::Instance, String> {
        ask::instance(self.index)?.ok_or_else(|| format!("{} is gone", self.name))
    }

    fn control(&self, answer: Result<u32, Error>) -> Result<(), String> {
        answer.map(|_| ()).map_err(|why| format!("control of {}: {why}", self.name))
    }
}
