//! What a write does: whether every byte of it may be written, and what becomes of the addresses in it.
use super::{Length, Place, Pointer, Reach, Rules, Sealed, Written, place};
use core::ops::Range;

/// Why a write is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The byte at this offset may not be written, not with this value, or not without what belongs to it.
    Refused(u32),
    /// The address at this offset leads nowhere that it may.
    Nowhere(u32),
    /// The memory that an address leads to does not lie together.
    Apart,
}

/// A write of a whole register or part of an entry: where it begins, and its bytes.
pub struct Write<'a> {
    pub offset: u32,
    pub bytes: &'a mut [u8],
}

/// An address in a write, found to lead somewhere: at which offset of the write it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub at: usize,
    pub reach: Reach,
}

const ADDRESS: u32 = 8;

impl Rules {
    /// Whether the register at `offset` is an address that is written as two halves.
    pub fn is_halved(&self, offset: u32) -> bool {
        self.pointers.iter().any(|pointer| pointer.halves && pointer.places().any(|place| place == offset))
    }

    /// Judges a write, and has each address in it put in the device's terms by `translate`.
    ///
    /// A number with a limit is written whole. An address is written whole and together with its length and its direction: none of
    /// them changes alone. Errors: the first fault; the bytes are to be thrown away then.
    pub fn judge(&self, write: &mut Write<'_>, tables: &[Sealed], translate: &mut impl FnMut(Reach) -> Result<u64, Fault>) -> Result<(), Fault> {
        self.cover(write)?;
        for limit in &self.limits {
            let first = limit.offset..limit.offset + u32::from(limit.bytes);
            for number in write.repetitions(&first, limit.count, limit.stride) {
                let range = moved(&first, number * limit.stride);
                if !write.number(&range).is_some_and(|value| limit.allows(value)) {
                    return Err(Fault::Refused(range.start));
                }
            }
        }
        for pointer in &self.pointers {
            let met = pointer.parts().map(|part| write.repetitions(&part, pointer.count, pointer.stride)).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
            for number in met.unwrap_or(0..0) {
                pointer.numbered(number).judge(write, tables, translate)?;
            }
        }
        Ok(())
    }

    /// That each byte is named by a rule.
    fn cover(&self, write: &Write<'_>) -> Result<(), Fault> {
        let (mut at, end) = (write.offset, write.end().ok_or(Fault::Refused(write.offset))?);
        while at < end {
            at = self.named(at).ok_or(Fault::Refused(at))?;
        }
        Ok(())
    }

    /// Where the rule ends that names the byte.
    fn named(&self, at: u32) -> Option<u32> {
        let free = self.free.iter().find(|(start, end)| (start..end).contains(&&at)).map(|&(_, end)| end);
        let limits = || self.limits.iter().find_map(|it| named(&(it.offset..it.offset + u32::from(it.bytes)), it.count, it.stride, at));
        let pointers = || self.pointers.iter().find_map(|it| it.parts().find_map(|part| named(&part, it.count, it.stride, at)));
        free.or_else(limits).or_else(pointers)
    }
}

/// The end of that repetition of the range which the byte is in.
fn named(first: &Range<u32>, count: u32, stride: u32, at: u32) -> Option<u32> {
    let number = at.checked_sub(first.start)?.checked_div(stride).unwrap_or(0).min(count - 1);
    let range = moved(first, number * stride);
    range.contains(&at).then_some(range.end)
}

fn moved(range: &Range<u32>, by: u32) -> Range<u32> {
    range.start + by..range.end + by
}

impl Write<'_> {
    /// Which of `count` repetitions of a range, `stride` bytes apart, this writes any of: those, or the first where there is one.
    fn repetitions(&self, first: &Range<u32>, count: u32, stride: u32) -> Range<u32> {
        if count == 1 {
            return 0..u32::from(self.meets(first));
        }
        let end = self.end().unwrap_or(0);
        let from = (self.offset + 1).saturating_sub(first.end).div_ceil(stride);
        let to = end.saturating_sub(first.start).div_ceil(stride).min(count);
        from..to.max(from)
    }

    fn end(&self) -> Option<u32> {
        self.offset.checked_add(u32::try_from(self.bytes.len()).ok()?)
    }

    fn meets(&self, range: &Range<u32>) -> bool {
        range.start < self.end().unwrap_or(0) && self.offset < range.end
    }

    /// Where in the bytes the range lies; none where it is not all in them.
    fn place(&self, range: &Range<u32>) -> Option<Range<usize>> {
        let place = range.start.checked_sub(self.offset)? as usize..range.end.checked_sub(self.offset)? as usize;
        (place.end <= self.bytes.len()).then_some(place)
    }

    /// A little-endian number of up to 8 bytes.
    fn number(&self, range: &Range<u32>) -> Option<u64> {
        let mut bytes = [0; 8];
        let found = &self.bytes[self.place(range)?];
        bytes.get_mut(..found.len())?.copy_from_slice(found);
        Some(u64::from_le_bytes(bytes))
    }
}

impl Pointer {
    /// Where each of its repetitions begins.
    pub fn places(&self) -> impl Iterator<Item = u32> + use<> {
        let Self { offset, count, stride, .. } = *self;
        (0..count).map(move |number| offset + number * stride)
    }

    /// The table that it leads to when nobody has written it: the first that it may lead to, where that has all the bytes which the
    /// device may reach from there on. None for one that leads to the driver's memory alone.
    pub fn at_rest(&self, tables: &[Sealed]) -> Option<usize> {
        let length = self.length.map_or(self.reach, |it| it.more);
        let first = u64::from((self.to >> 1).trailing_zeros());
        match place((first + 1) << 32, length, self.to, tables)?.place {
            Place::Table { number, .. } => Some(number),
            Place::Memory(_) => None,
        }
    }

    /// The pointer of that number, alone.
    fn numbered(&self, number: u32) -> Self {
        let by = number * self.stride;
        Self {
            offset: self.offset + by, count: 1,
            length: self.length.map(|length| Length { offset: length.offset + by, ..length }),
            written: self.written.map(|written| Written { offset: written.offset + by, ..written }),
            ..*self
        }
    }

    /// The bytes that are written together.
    fn parts(&self) -> impl Iterator<Item = Range<u32>> {
        let length = self.length.map(|length| length.offset..length.offset + u32::from(length.bytes));
        let written = self.written.map(|written| written.offset..written.offset + 1);
        [Some(self.offset..self.offset + ADDRESS), length, written].into_iter().flatten()
    }

    fn judge(&self, write: &mut Write<'_>, tables: &[Sealed], translate: &mut impl FnMut(Reach) -> Result<u64, Fault>) -> Result<(), Fault> {
        if !self.parts().any(|part| write.meets(&part)) {
            return Ok(());
        }
        let refused = Fault::Refused(self.offset);
        let range = self.offset..self.offset + ADDRESS;
        let (place_of, address) = (write.place(&range).ok_or(refused)?, write.number(&range).ok_or(refused)?);
        let length = match self.length {
            None => self.reach,
            Some(it) => (write.number(&(it.offset..it.offset + u32::from(it.bytes))).ok_or(refused)? & it.mask).checked_add(it.more).ok_or(refused)?,
        };
        let to = match self.written {
            None => self.to,
            Some(it) if write.number(&(it.offset..it.offset + 1)).ok_or(refused)? >> it.bit & 1 != 0 => it.to,
            Some(_) => self.to,
        };
        let reach = place(address, length, to, tables).ok_or(Fault::Nowhere(self.offset))?;
        let there = translate(reach)?;
        write.bytes[place_of].copy_from_slice(&there.to_le_bytes());
        Ok(())
    }
}

/// Judges a write to a table, entry by entry; see `Rules::judge`.
pub fn entries(table: &Sealed, offset: u32, bytes: &mut [u8], tables: &[Sealed], translate: &mut impl FnMut(Reach) -> Result<u64, Fault>) -> Result<(), Fault> {
    let end = u64::from(offset) + bytes.len() as u64;
    if end > u64::from(table.entry) * u64::from(table.count) {
        return Err(Fault::Refused(offset));
    }
    let (mut at, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let inside = at % table.entry;
        let count = rest.len().min((table.entry - inside) as usize);
        let (now, later) = rest.split_at_mut(count);
        table.rules.judge(&mut Write { offset: inside, bytes: now }, tables, translate).map_err(|fault| fault.behind(at - inside))?;
        (at, rest) = (at + count as u32, later);
    }
    Ok(())
}

impl Fault {
    /// As a fault of the table, whose entry begins at `start`.
    fn behind(self, start: u32) -> Self {
        match self {
            Fault::Refused(at) => Fault::Refused(start + at),
            Fault::Nowhere(at) => Fault::Nowhere(start + at),
            Fault::Apart => Fault::Apart,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Limit, *};
    use alloc::{string::ToString, vec, vec::Vec};

    /// A descriptor as virtio's split queues have them: address, length, flags (next and write), next.
    fn descriptors() -> Sealed {
        let pointer = Pointer {
            offset: 0, count: 1, stride: 0, halves: false, reach: 0, length: Some(Length { offset: 8, bytes: 4, mask: u64::from(u32::MAX), more: 0 }),
            to: 0b100, written: Some(Written { offset: 12, bit: 1, to: 0b001 }),
        };
        let limits = vec![Limit { offset: 12, bytes: 2, mask: 0b011, least: 0, most: 3, count: 1, stride: 0 }, Limit { offset: 14, bytes: 2, mask: 0xffff, least: 0, most: 7, count: 1, stride: 0 }];
        Sealed { name: "descriptors".to_string(), entry: 16, count: 8, rules: Rules { free: vec![], limits, pointers: vec![pointer] } }
    }

    /// A command: what it is, 4 bytes that are free, and 3 addresses with a length each, at which the device may look.
    fn commands() -> Sealed {
        let pointer = Pointer {
            offset: 8, count: 3, stride: 16, halves: false, reach: 0, length: Some(Length { offset: 16, bytes: 4, mask: 0x3f_ffff, more: 1 }),
            to: 1, written: None,
        };
        let limits = vec![Limit { offset: 0, bytes: 4, mask: 0xff, least: 6, most: 6, count: 1, stride: 0 }];
        Sealed { name: "commands".to_string(), entry: 56, count: 1, rules: Rules { free: vec![(4, 8), (20, 24), (36, 40), (52, 56)], limits, pointers: vec![pointer] } }
    }

    fn descriptor(address: u64, length: u32, flags: u16, next: u16) -> Vec<u8> {
        [&address.to_le_bytes()[..], &length.to_le_bytes(), &flags.to_le_bytes(), &next.to_le_bytes()].concat()
    }

    /// What becomes of a write to table `number`, and what was asked for; memory is at 0x70000000, tables far above.
    fn written(number: usize, offset: u32, bytes: &[u8]) -> Result<(Vec<u8>, Vec<Reach>), Fault> {
        let (tables, mut bytes, mut asked) = ([descriptors(), commands()], bytes.to_vec(), Vec::new());
        entries(&tables[number], offset, &mut bytes, &tables, &mut |reach| {
            asked.push(reach);
            Ok(match reach.place {
                Place::Memory(at) => 0x7000_0000 + u64::from(at),
                Place::Table { number, offset } => 0x50_0000_0000 * (number as u64 + 1) + u64::from(offset),
            })
        })?;
        Ok((bytes, asked))
    }

    const COMMANDS: u64 = 2 << 32;

    #[test]
    fn an_address_is_put_in_the_devices_terms() {
        let (bytes, asked) = written(0, 16, &descriptor(0x1234, 99, 2, 5)).unwrap();
        assert_eq!(bytes, descriptor(0x7000_1234, 99, 2, 5));
        assert_eq!(asked, [Reach { place: Place::Memory(0x1234), length: 99 }]);
    }

    #[test]
    fn several_entries_at_once_each_by_itself() {
        let two = [descriptor(0x10, 1, 3, 1), descriptor(0x20, 2, 2, 0)].concat();
        assert_eq!(written(0, 96, &two).unwrap().0, [descriptor(0x7000_0010, 1, 3, 1), descriptor(0x7000_0020, 2, 2, 0)].concat());
        assert_eq!(written(0, 112, &two), Err(Fault::Refused(112)), "the second is past the table's end");
        assert_eq!(written(0, u32::MAX, &two), Err(Fault::Refused(u32::MAX)));
        let second_is_bad = [descriptor(0x10, 1, 3, 1), descriptor(0x20, 2, 4, 0)].concat();
        assert_eq!(written(0, 96, &second_is_bad), Err(Fault::Refused(112 + 12)));
    }

    #[test]
    fn what_the_device_may_read_and_write_differs() {
        assert_eq!(written(0, 0, &descriptor(COMMANDS, 56, 0, 0)).unwrap().1, [Reach { place: Place::Table { number: 1, offset: 0 }, length: 56 }]);
        assert_eq!(written(0, 0, &descriptor(COMMANDS, 56, 2, 0)), Err(Fault::Nowhere(0)), "it may not write commands");
        assert_eq!(written(0, 0, &descriptor(0x1234, 56, 0, 0)), Err(Fault::Nowhere(0)), "nor take memory for commands");
        assert_eq!(written(0, 0, &descriptor(COMMANDS, 55, 0, 0)), Err(Fault::Nowhere(0)), "nor a piece of one");
        assert_eq!(written(0, 0, &descriptor(1 << 32, 16, 0, 0)), Err(Fault::Nowhere(0)));
    }

    #[test]
    fn nothing_that_belongs_to_an_address_changes_alone() {
        let all = descriptor(0x1234, 99, 2, 5);
        for start in 0..16usize {
            for end in start + 1..=16 {
                let whole = (start, end) == (0, 16) || (start, end) == (0, 14) || (start, end) == (14, 16);
                assert_eq!(written(0, 16 + start as u32, &all[start..end]).is_ok(), whole, "{start}..{end}");
            }
        }
    }

    #[test]
    fn numbers_keep_their_limits() {
        for (flags, next, fits) in [(3, 7, true), (4, 7, false), (0x8002, 0, false), (2, 8, false)] {
            assert_eq!(written(0, 0, &descriptor(0, 0, flags | 2, next)).is_ok(), fits, "{flags} {next}");
        }
        for (what, fits) in [(6u32, true), (5, false), (7, false), (0x106, false)] {
            assert_eq!(written(1, 0, &what.to_le_bytes()).is_ok(), fits);
        }
    }

    #[test]
    fn numbers_are_repeated_each_written_whole() {
        let rules = Rules { free: vec![(0, 4)], limits: vec![Limit { offset: 4, bytes: 2, mask: !0, least: 0, most: 9, count: 5, stride: 2 }], pointers: vec![] };
        let fits = |offset: u32, bytes: &[u8]| rules.judge(&mut Write { offset, bytes: &mut bytes.to_vec() }, &[], &mut |_| Ok(0));
        for number in 0..5u32 {
            let at = 4 + 2 * number;
            assert_eq!((fits(at, &[9, 0]), fits(at, &[10, 0]), fits(at, &[9])), (Ok(()), Err(Fault::Refused(at)), Err(Fault::Refused(at))));
        }
        assert_eq!((fits(0, &[0; 14]), fits(2, &[7; 3])), (Ok(()), Err(Fault::Refused(4))));
        assert_eq!((fits(14, &[0, 0]), fits(12, &[0; 4])), (Err(Fault::Refused(14)), Err(Fault::Refused(14))));
        assert_eq!(fits(5, &[0, 1, 0]), Err(Fault::Refused(4)), "the second half of one and the next");
    }

    #[test]
    fn addresses_are_repeated_with_their_lengths() {
        let mut bytes = vec![0; 56];
        bytes[0] = 6;
        for number in 0..3usize {
            bytes[8 + 16 * number..][..8].copy_from_slice(&(0x1000 * number as u64).to_le_bytes());
            bytes[16 + 16 * number..][..4].copy_from_slice(&(0x8000_0000 + 511 * number as u32).to_le_bytes());
        }
        let (made, asked) = written(1, 0, &bytes).unwrap();
        assert_eq!(asked.iter().map(|reach| reach.length).collect::<Vec<_>>(), [1, 512, 1023], "one more, and the mask's bits alone");
        assert_eq!(made[40..48], 0x7000_2000u64.to_le_bytes());
        assert_eq!(written(1, 24, &bytes[24..40]).unwrap().1.len(), 1, "one of them alone");
        assert_eq!(written(1, 24, &bytes[24..36]).unwrap().1.len(), 1);
        assert_eq!(written(1, 32, &bytes[32..36]), Err(Fault::Refused(8 + 16)), "its length without it");
        assert_eq!(written(1, 24, &bytes[24..32]), Err(Fault::Refused(8 + 16)), "or it without its length");
        assert_eq!(written(1, 4, &[1, 2, 3, 4]).unwrap().0, [1, 2, 3, 4]);
    }

    #[test]
    fn a_register_that_no_rule_names_is_not_written() {
        let pointer = Pointer { offset: 0x20, count: 1, stride: 0, halves: true, reach: 128, length: None, to: 0b010, written: None };
        let rules = Rules { free: vec![(0, 4), (4, 8)], limits: vec![Limit { offset: 8, bytes: 2, mask: !0, least: 1, most: 8, count: 1, stride: 0 }], pointers: vec![pointer] };
        let judge = |offset, bytes: &[u8]| {
            let mut copy = bytes.to_vec();
            rules.judge(&mut Write { offset, bytes: &mut copy }, &[descriptors()], &mut |_| Ok(0xabc)).map(|()| copy)
        };
        assert_eq!(judge(2, &[1, 2, 3, 4]), Ok(vec![1, 2, 3, 4]), "two that are free side by side");
        assert_eq!(judge(0x1c, &[0; 4]), Err(Fault::Refused(0x1c)));
        assert_eq!((judge(8, &[8, 0]), judge(8, &[9, 0]), judge(8, &[8])), (Ok(vec![8, 0]), Err(Fault::Refused(8)), Err(Fault::Refused(8))));
        assert_eq!(judge(0x20, &(1u64 << 32).to_le_bytes()), Ok(0xabcu64.to_le_bytes().to_vec()));
        assert_eq!((judge(0x20, &(0u64).to_le_bytes()), judge(0x20, &[0; 4])), (Err(Fault::Nowhere(0x20)), Err(Fault::Refused(0x20))));
        assert_eq!(judge(u32::MAX, &[0; 8]), Err(Fault::Refused(u32::MAX)));
        assert_eq!((rules.is_halved(0x20), rules.is_halved(0)), (true, false));
    }

    #[test]
    fn registers_that_are_addresses_are_repeated() {
        let pointer = Pointer { offset: 0x20, count: 3, stride: 0x80, halves: true, reach: 128, length: None, to: 0b010, written: None };
        let rules = Rules { free: vec![], limits: vec![], pointers: vec![pointer] };
        let judge = |offset, bytes: &[u8]| rules.judge(&mut Write { offset, bytes: &mut bytes.to_vec() }, &[descriptors()], &mut |_| Ok(0xabc));
        let own = (1u64 << 32).to_le_bytes();
        for at in [0x20, 0xa0, 0x120] {
            assert_eq!((judge(at, &own), rules.is_halved(at)), (Ok(()), true));
            assert_eq!((judge(at, &[0; 8]), judge(at + 4, &[0; 4])), (Err(Fault::Nowhere(at)), Err(Fault::Refused(at))));
        }
        assert_eq!((judge(0x1a0, &own), rules.is_halved(0x1a0), judge(0x60, &own)), (Err(Fault::Refused(0x1a0)), false, Err(Fault::Refused(0x60))));
        assert_eq!(pointer.places().collect::<Vec<_>>(), [0x20, 0xa0, 0x120]);
    }

    #[test]
    fn what_leads_to_a_table_leads_there_before_anybody_wrote_it() {
        let tables = [descriptors(), commands()];
        let at_rest = |to, reach| Pointer { offset: 0, count: 1, stride: 0, halves: false, reach, length: None, to, written: None }.at_rest(&tables);
        assert_eq!((at_rest(0b010, 128), at_rest(0b010, 16), at_rest(0b111, 16), at_rest(0b100, 56)), (Some(0), Some(0), Some(0), Some(1)));
        assert_eq!((at_rest(0b001, 0), at_rest(0, 0)), (None, None), "the driver's memory, or nowhere");
        assert_eq!((at_rest(0b010, 129), at_rest(0b100, 112), at_rest(0b1000, 16)), (None, None, None), "there is not so much of it");
        let long = |more| Pointer { length: Some(Length { offset: 8, bytes: 4, mask: !0, more }), ..descriptors().rules.pointers[0] }.at_rest(&tables);
        assert_eq!((long(56), long(0)), (Some(1), None), "zeros and what is added to them");
    }

    #[test]
    fn what_translates_may_refuse() {
        let tables = [descriptors()];
        let mut bytes = descriptor(0x1234, 99, 2, 5);
        assert_eq!(entries(&tables[0], 32, &mut bytes, &tables, &mut |_| Err(Fault::Apart)), Err(Fault::Apart));
    }
}
