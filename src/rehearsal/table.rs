//! Text in columns.

/// Pads all columns but the last.
pub(super) fn columns(rows: &[Vec<String>], indent: &str) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut out = String::new();
    for row in rows {
        out.push_str(indent);
        for (column, cell) in row.iter().enumerate() {
            out.push_str(cell);
            if column + 1 < row.len() {
                let gap = width(column) - cell.chars().count() + 2;
                out.push_str(&" ".repeat(gap));
            }
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}
