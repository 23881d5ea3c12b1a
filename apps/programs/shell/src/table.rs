//! A table whose columns are as wide as what is in them.

use alloc::string::String;
use alloc::vec::Vec;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

const GAP: usize = 2;

/// Rows under a header. A column whose cells are all empty is not shown.
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines, without space at their ends.
    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        let mut text = String::new();
        self.line(|column| self.columns[column].0, &widths, &mut text);
        for row in &self.rows {
            self.line(|column| row[column].as_str(), &widths, &mut text);
        }
        text
    }

    /// The width of a column; 0 where it has nothing to show.
    fn width(&self, column: usize) -> usize {
        let widest = self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        if widest == 0 { 0 } else { widest.max(self.columns[column].0.chars().count()) }
    }

    fn line<'a>(&self, cell: impl Fn(usize) -> &'a str, widths: &[usize], text: &mut String) {
        let start = text.len();
        for (column, &width) in widths.iter().enumerate().filter(|(_, width)| **width > 0) {
            let fill = width - cell(column).chars().count();
            let (before, after) = if self.columns[column].1 == Align::Left { (0, fill) } else { (fill, 0) };
            text.extend(core::iter::repeat_n(' ', before));
            text.push_str(cell(column));
            text.extend(core::iter::repeat_n(' ', after + GAP));
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new(&[("NAME", Align::Left), ("CPU", Align::Right), ("NOTE", Align::Left)]);
        table.row(["com1", "0.1 %", ""].map(String::from));
        table.row(["é", "12.0 %", ""].map(String::from));
        assert_eq!(table.text(), "NAME     CPU\ncom1   0.1 %\né     12.0 %\n");
    }

    #[test]
    fn a_header_can_be_the_widest() {
        let mut table = Table::new(&[("RESTARTS", Align::Right), ("X", Align::Left)]);
        table.row(["1", "y"].map(String::from));
        assert_eq!(table.text(), "RESTARTS  X\n       1  y\n");
    }
}
