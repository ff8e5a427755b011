use super::*;

const NOW: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn cells(file: &str, line: &str, pid: f64, minutes_ago: i64) -> Row {
    Row::from([
        ("FileName".to_owned(), Cell::Text(file.to_owned())),
        ("Line".to_owned(), Cell::Text(line.to_owned())),
        ("Pid".to_owned(), Cell::Number(pid)),
        (
            "Timestamp".to_owned(),
            Cell::Time(NOW - minutes_ago * 60_000),
        ),
    ])
}

fn ask(query: &str) -> Result<Answer, QueryError> {
    let column = |name: &str, kind| Column {
        name: name.to_owned(),
        kind,
    };
    run(&parse(query, NOW)?, |name| {
        (name == "T").then(|| Table {
            columns: vec![
                column("FileName", Kind::Text),
                column("Line", Kind::Text),
                column("Pid", Kind::Number),
                column("Timestamp", Kind::Time),
            ],
            rows: |_: Option<&str>| {
                [
                    cells("cmd.exe", "cmd.exe /c whoami", 10.0, 5),
                    cells(
                        "PowerShell.exe",
                        "powershell.exe -EncodedCommand AA==",
                        20.0,
                        65,
                    ),
                    cells("x\" or 1==1 //", "odd", 30.0, 2000),
                ]
                .into_iter()
            },
        })
    })
}

/// The process ids that a query finds, in order.
fn check(query: &str, want: &[i64]) {
    let answer = ask(query).unwrap_or_else(|error| panic!("{query}: {}", error.0));
    let got: Vec<i64> = answer
        .rows
        .iter()
        .filter_map(|row| row.get("Pid")?.to_json().as_i64())
        .collect();
    assert_eq!(got, want, "{query}");
}

#[test]
fn conditions_mean_what_the_language_says() {
    check("T", &[10, 20, 30]);
    check("T | where FileName == 'cmd.exe'", &[10]);
    check("T | where FileName == 'CMD.EXE'", &[]);
    check("T | where FileName =~ \"powershell.EXE\"", &[20]);
    check("T | where FileName !~ 'cmd.exe' and Pid < 30", &[20]);
    check("T | where FileName != 'cmd.exe'", &[20, 30]);
    check(
        "T | where FileName in ('cmd.exe', 'PowerShell.exe')",
        &[10, 20],
    );
    check(
        "T | where FileName !in (dynamic(['cmd.exe', 'PowerShell.exe']))",
        &[30],
    );
    check("T | where FileName in~ (\"CMD.EXE\")", &[10]);
    check("T | where FileName in (dynamic([]))", &[]);
    check("T | where Line contains 'ENCODED'", &[20]);
    check("T | where Line has 'encoded'", &[]);
    check("T | where Line has_any ('-enc', '-encodedcommand')", &[20]);
    check("T | where Line has_all ('cmd', 'whoami')", &[10]);
    check("T | where Line startswith 'CMD' or Pid == 30", &[10, 30]);
    check(
        "T | where not(Line startswith 'cmd') and isnotempty(Line)",
        &[20, 30],
    );
    check("T | where Timestamp > ago(1h)", &[10]);
    check("T | where Timestamp > ago(1h * 2)", &[10, 20]);
    check("T | where Timestamp < datetime(2025-12-31)", &[30]);
    check("T // all\n| where Pid >= 20 // some\n", &[20, 30]);
    check(
        "T | where (Pid == 10 or Pid == 20) and Line has 'cmd';",
        &[10],
    );
}

#[test]
fn rows_are_ordered_cut_and_counted() {
    check("T | order by Timestamp asc", &[30, 20, 10]);
    check("T | sort by Pid | take 2", &[30, 20]);
    check("T | top 1 by Pid", &[30]);
    check("T | limit 1 | where Pid == 20", &[]);
    check(
        "T | project Pid, Renamed = FileName | where Renamed has 'cmd'",
        &[10],
    );
    let counted = ask("T | summarize Hits = count() by FileName | order by FileName asc").unwrap();
    assert_eq!(
        counted.columns[1],
        Column {
            name: "Hits".to_owned(),
            kind: Kind::Number
        }
    );
    assert_eq!(counted.rows.len(), 3);
    assert_eq!(counted.rows[0]["Hits"], Cell::Number(1.0));
    assert_eq!(
        ask("T | where Pid == 0 | count").unwrap().rows[0]["Count"],
        Cell::Number(0.0)
    );
}

#[test]
fn a_quote_inside_a_literal_cannot_break_out() {
    check(r#"T | where FileName == "x\" or 1==1 //""#, &[30]);
    check(
        r#"T | where FileName == "cmd.exe\" or FileName != \"" "#,
        &[],
    );
    check(r#"T | where FileName in ("x\") or Pid > (0")"#, &[]);
    check(r#"T | where FileName == @"x"" or 1==1 //""#, &[30]);
    check("T | where FileName == 'x\" or 1==1 //'", &[30]);
    check(r#"T | where FileName == "\u0063md.exe""#, &[10]);
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    for (query, word) in [
        ("", "ends too early"),
        ("U", "named 'U'"),
        ("T | where Nope == 1", "named 'Nope'"),
        ("T | project Nope", "named 'Nope'"),
        (
            "T | project Pid | where FileName == 'x'",
            "named 'FileName'",
        ),
        ("T | extend x = 1", "'extend'"),
        ("T | project-away Pid", "'project-away'"),
        ("T | join kind=inner (U) on X", "'join'"),
        ("let x = 1; T", "'let'"),
        ("T | summarize dcount(Pid) by FileName", "'dcount'"),
        ("T | where FileName matches regex 'a'", "'matches'"),
        ("T | where tolower(FileName) == 'x'", "'tolower'"),
        ("T | where 1 == 1", "a name was expected"),
        ("T | where Pid == 'ten'", "Cannot compare 'Pid'"),
        ("T | where Pid has 'x'", "no text"),
        ("T | where FileName == \"open", "not closed"),
        ("T | where FileName == \"a\nb\"", "not closed"),
        ("T | where FileName == \"\\q\"", "escape"),
        ("T | take -1", "no number"),
        ("T T", "not expected"),
        ("T | where Timestamp > ago(yesterday)", "no span"),
    ] {
        let error = ask(query).expect_err(query);
        assert!(error.0.contains(word), "{query}: {}", error.0);
    }
}
