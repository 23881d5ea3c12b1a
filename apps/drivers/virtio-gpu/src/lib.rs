//! What of the driver needs no device: the bytes of requests and what the device answers, and the picture in its own memory.
#![no_std]

extern crate alloc;

pub mod picture;
pub mod request;

use munal::display::PIXEL;

/// The largest mode, for whose picture the driver has memory.
pub const MOST_WIDTH: u32 = 1920;
/// Its rows.
pub const MOST_HEIGHT: u32 = 1200;
/// Bytes of a page: each page of the picture is told to the device by itself.
pub const PAGE: usize = 4096;
/// Pages of the largest picture; the model's table `backing` has room for so many.
pub const PAGES: usize = (MOST_WIDTH as usize * MOST_HEIGHT as usize * PIXEL).div_ceil(PAGE);

/// The number of the next mode: the time, in milliseconds, so that it is none of a life before, and none of this one's either.
pub fn next_number(last: u32, now: u64) -> u32 {
    let milliseconds = (now / 1_000_000) as u32;
    if milliseconds.wrapping_sub(last) as i32 > 0 { milliseconds } else { last.wrapping_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_comes_twice() {
        assert_eq!([next_number(0, 0), next_number(5, 5_999_999), next_number(5, 6_000_000), next_number(90, 6_000_000)], [1, 6, 6, 91]);
        let late = 1 << 32;
        assert_eq!(next_number(u32::MAX, late * 1_000_000), 0, "after 49 days it begins anew");
    }

    #[test]
    fn the_models_table_has_room_for_the_largest_picture() {
        let model = include_str!("../device.toml");
        let backing = model.split("[table.backing]").nth(1).expect("the table");
        assert!(backing.contains(&alloc::format!("entry = {}\n", request::BACKING)) && backing.contains(&alloc::format!("most = {PAGES} }}")));
        assert_eq!(backing.matches(&alloc::format!("count = {PAGES}, stride = 16")).count(), 2);
    }
}
