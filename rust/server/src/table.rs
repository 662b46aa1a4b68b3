//! Rows of cells as plain text.

use std::fmt;

/// The first column is flush left, as are those that were said to be; the others flush right.
#[derive(Debug, Default)]
pub(crate) struct Table {
    left: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table in which these columns are flush left, counted from 0.
    pub(crate) fn with_left(left: &[usize]) -> Self {
        Self {
            left: left.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = self.width(column);
                if column == 0 || self.left.contains(&column) {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_in_columns() {
        let mut table = Table::with_left(&[2]);
        table.row(["server", "term", "players at"]);
        table.row(["1", "7", "a"]);
        table.row(["ä", "1234567", "b"]);
        let expected = "server     term  players at\n1             7  a\nä       1234567  b\n";
        assert_eq!(table.to_string(), expected);
    }
}
