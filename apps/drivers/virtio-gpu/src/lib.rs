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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_table_has_room_for_the_largest_picture() {
        let model = include_str!("../device.toml");
        let backing = model.split("[table.backing]").nth(1).expect("the table");
        assert!(backing.contains(&alloc::format!("entry = {}\n", request::BACKING)) && backing.contains(&alloc::format!("most = {PAGES} }}")));
        assert_eq!(backing.matches(&alloc::format!("count = {PAGES}, stride = 16")).count(), 2);
    }
}
