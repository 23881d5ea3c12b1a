//! The cases of cases.txt, which the simulator's judge is tested by, too: both take and refuse the same.
extern crate std;

use super::{Fault, Length, Limit, Place, Pointer, Reach, Rules, Sealed, Write, Written, entries};
use alloc::{format, string::{String, ToString}, vec::Vec};

const CASES: &str = include_str!("cases.txt");
const PAGE: u64 = 0x1000;
const MEMORY: u64 = 0x3000;
const MEMORY_AT: u64 = 0x7000_0000;
const TABLES_AT: u64 = 0x1000_0000_0000;

/// What the lines above a case say.
#[derive(Default)]
struct Model {
    tables: Vec<Sealed>,
    region: Option<Rules>,
}

impl Model {
    fn rules(&mut self) -> &mut Rules {
        match &mut self.region {
            Some(rules) => rules,
            None => &mut self.tables.last_mut().expect("a table").rules,
        }
    }

    /// Reads a line that is no case.
    fn add(&mut self, word: &str, rest: &[&str]) {
        if word == "table" {
            let [entry, count] = [rest[1], rest[2]].map(|it| number(it) as u32);
            self.tables.push(Sealed { name: rest[0].into(), entry, count, rules: Rules::default() });
            return;
        }
        let numbers: Vec<u64> = rest.iter().map(|it| number(it)).collect();
        match (word, numbers.as_slice()) {
            ("region", []) => self.region = Some(Rules::default()),
            ("free", &[start, end]) => self.rules().free.push((start as u32, end as u32)),
            ("limit", &[offset, bytes, mask, least, most, count, stride]) => {
                let limit = Limit { offset: offset as u32, bytes: bytes as u8, mask, least, most, count: count as u32, stride: stride as u32 };
                self.rules().limits.push(limit);
            }
            ("pointer", &[offset, count, stride, halves, reach, to]) => self.rules().pointers.push(Pointer {
                offset: offset as u32, count: count as u32, stride: stride as u32, halves: halves != 0, reach, length: None, to, written: None,
            }),
            ("length", &[offset, bytes, mask, more]) => self.last().length = Some(Length { offset: offset as u32, bytes: bytes as u8, mask, more }),
            ("written", &[offset, bit, to]) => self.last().written = Some(Written { offset: offset as u32, bit: bit as u8, to }),
            _ => panic!("{word} {rest:?}"),
        }
    }

    fn last(&mut self) -> &mut Pointer {
        self.rules().pointers.last_mut().expect("a pointer")
    }

    /// What becomes of a write, in the words of a case.
    fn judge(&self, table: &str, offset: u32, mut bytes: Vec<u8>) -> String {
        let judged = match (table, &self.region) {
            ("-", Some(rules)) => rules.judge(&mut Write { offset, bytes: &mut bytes }, &self.tables, &mut translate),
            _ => entries(&self.tables[number(table) as usize], offset, &mut bytes, &self.tables, &mut translate),
        };
        match judged {
            Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Err(Fault::Refused(_)) => "refused".to_string(),
            Err(Fault::Nowhere(_)) => "nowhere".to_string(),
            Err(Fault::Apart) => "apart".to_string(),
        }
    }
}

/// Memory of three pages that do not lie together.
fn translate(reach: Reach) -> Result<u64, Fault> {
    match reach.place {
        Place::Table { number, offset } => Ok(TABLES_AT * (number as u64 + 1) + u64::from(offset)),
        Place::Memory(at) => {
            let (start, end) = (u64::from(at), u64::from(at) + reach.length.max(1));
            match end {
                _ if end > MEMORY => Err(Fault::Nowhere(0)),
                _ if start / PAGE != (end - 1) / PAGE => Err(Fault::Apart),
                _ => Ok(MEMORY_AT + start),
            }
        }
    }
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text, 16).expect("a hexadecimal number")
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| number(core::str::from_utf8(pair).expect("digits")) as u8).collect()
}

#[test]
fn every_case_is_judged_as_it_says() {
    let (mut model, mut judged) = (Model::default(), 0);
    for (place, line) in CASES.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        match words.next() {
            None => {}
            Some("write") => {
                let (made, expected) = line["write".len()..].split_once("->").expect("a result");
                let made: Vec<&str> = made.split_whitespace().collect();
                let found = model.judge(made[0], number(made[1]) as u32, bytes(&made[2..].concat()));
                assert_eq!(found, expected.split_whitespace().collect::<String>(), "line {}: {line}", place + 1);
                judged += 1;
            }
            Some(word) => model.add(word, &words.collect::<Vec<_>>()),
        }
    }
    assert!(judged > 90, "{judged} cases");
}
