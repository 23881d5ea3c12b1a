//! A provider's side of the protocol: what a request may be for who makes it, and the head of the reply.

use super::{Badge, REPLY, Reply, Request, Status};

/// What was put behind a reply's head: how many bytes, and whether there is more of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes.
    pub length: usize,
    /// Whether a list goes on.
    pub more: bool,
}

/// Answers a request that is made by the grant `badge`, in the life `life` of its provider; gives the length of the reply, for which `reply`
/// has room. `carry_out` does what this grant allows, and puts its answer into the room behind the reply's head.
pub fn answer(badge: Option<Badge<'_>>, request: &[u8], life: u64, reply: &mut [u8], carry_out: impl FnOnce(Badge<'_>, Request<'_>, &mut [u8]) -> Result<Answer, Status>) -> usize {
    let (head, room) = reply.split_at_mut(REPLY);
    let done = match (badge, Request::decode(request)) {
        (None, _) => Err(Status::Failed),
        (_, None) => Err(Status::Malformed),
        (Some(badge), Some(request)) if request.writes() && !badge.writes => Err(Status::ReadOnly),
        (Some(badge), Some(request)) => carry_out(badge, request, room),
    };
    let (status, answer) = done.map_or_else(|status| (status, Answer::default()), |answer| (Status::Done, answer));
    head.copy_from_slice(&Reply { status, more: answer.more, life }.encode());
    REPLY + answer.length
}
