//! How long expressions take, with MiniJinja beside them for scale.

use divan::Bencher;
use engine_playbook::expr::{Expr, Language, Template};
use minijinja::Environment;
use serde_json::{Map, Value, json};

const CONDITION: &str =
    "steps.machine.output.role != 'domain_controller' and alert.severity in ['high', 'critical']";
const ROWS: &str = "[r.DeviceId for r in steps.hunt.output.rows if r.Hits > 1]";
const QUERY: &str = "DeviceFileEvents\n| where SHA256 == ${{ alert.file.sha256 }}\n\
                     | where DeviceId != ${{ steps.machine.output.id }}\n| take 100";

fn main() {
    divan::main();
}

/// About 4 KB of JSON, twenty rows in it.
fn context() -> Map<String, Value> {
    let rows: Vec<Value> = (0..20)
        .map(|n| {
            json!({"DeviceId": format!("d{n:038}"), "DeviceName": format!("ws-{n}.corp.example"),
            "Hits": n % 4, "Timestamp": "2026-10-24T12:00:00Z"})
        })
        .collect();
    let context = json!({
        "alert": {
            "id": "da637", "tenant": "t1", "source": "mde", "status": "new",
            "title": "Suspicious file",
            "severity": "high", "category": "Malware", "created_at": "2026-10-24T12:00:00Z",
            "device": {"id": "d1", "name": "ws-1.corp.example", "tags": ["finance"]},
            "file": {"name": "a.exe", "sha256": "ba7816bf8f01cfea".repeat(4)},
            "raw": {"evidence": vec![json!({"entityType": "File", "verdict": "malicious"}); 10]},
        },
        "inputs": {"days": 7},
        "run": {"id": "run_1", "now": "2026-10-24T12:00:00Z"},
        "steps": {
            "machine": {"status": "succeeded", "output": {"id": "d1", "role": "workstation"}},
            "hunt": {"status": "succeeded", "output": {"rows": rows}},
        },
    });
    match context {
        Value::Object(context) => context,
        _ => Map::new(),
    }
}

mod condition {
    use super::*;

    #[divan::bench]
    fn parse() -> Expr {
        Expr::parse(divan::black_box(CONDITION)).expect("the condition reads")
    }

    #[divan::bench]
    fn evaluate(bencher: Bencher<'_, '_>) {
        let expr = Expr::parse(CONDITION).expect("the condition reads");
        let context = context();
        bencher.bench(|| expr.eval_bool(divan::black_box(&context)));
    }

    /// The context is converted before: this is the smaller part of what MiniJinja needs.
    #[divan::bench]
    fn evaluate_minijinja(bencher: Bencher<'_, '_>) {
        let environment = Environment::new();
        let expr = environment
            .compile_expression(CONDITION)
            .expect("the condition reads");
        let context = minijinja::Value::from(minijinja::value::Serde(&context()));
        bencher.bench(|| expr.eval(divan::black_box(&context)));
    }

    #[divan::bench]
    fn evaluate_minijinja_with_context(bencher: Bencher<'_, '_>) {
        let environment = Environment::new();
        let expr = environment
            .compile_expression(CONDITION)
            .expect("the condition reads");
        let context = context();
        bencher.bench(|| expr.eval(minijinja::value::Serde(divan::black_box(&context))));
    }
}

mod query {
    use super::*;

    #[divan::bench]
    fn render(bencher: Bencher<'_, '_>) {
        let template = Template::compile(&json!(QUERY), Some(Language::Kql)).template;
        let context = context();
        bencher.bench(|| template.render(divan::black_box(&context)));
    }

    #[divan::bench]
    fn render_minijinja(bencher: Bencher<'_, '_>) {
        let mut environment = Environment::new();
        let source = QUERY.replace("${{", "{{");
        environment
            .add_template("query", &source)
            .expect("the template reads");
        let template = environment
            .get_template("query")
            .expect("the template is there");
        let context = minijinja::Value::from(minijinja::value::Serde(&context()));
        bencher.bench(|| template.render(divan::black_box(&context)));
    }
}

mod rows {
    use super::*;

    #[divan::bench]
    fn evaluate(bencher: Bencher<'_, '_>) {
        let expr = Expr::parse(ROWS).expect("the loop reads");
        let context = context();
        bencher.bench(|| expr.eval(divan::black_box(&context)));
    }

    #[divan::bench]
    fn evaluate_minijinja(bencher: Bencher<'_, '_>) {
        let environment = Environment::new();
        let source = "steps.hunt.output.rows | selectattr('Hits', '>', 1) \
                      | map(attribute='DeviceId') | list";
        let expr = environment
            .compile_expression(source)
            .expect("the chain reads");
        let context = minijinja::Value::from(minijinja::value::Serde(&context()));
        bencher.bench(|| expr.eval(divan::black_box(&context)));
    }
}
