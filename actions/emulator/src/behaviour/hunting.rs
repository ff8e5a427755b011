//! Hunting: one language, three services with answers of their own.

use serde_json::{Value, json};

use super::Cx;
use super::body::{Body, Field};
use crate::kql::{self, Answer, Row};
use crate::odata::GRAPH;
use crate::reply::{Refusal, Reply};
use crate::world::table::table;

fn answer(cx: &Cx<'_>, fields: &[Field]) -> Result<Answer, Refusal> {
    let body = Body::read(cx.body, fields)?;
    let query = body.text("Query")?;
    kql::parse(query, cx.now_ms)
        .and_then(|query| kql::run(&query, |name| table(cx.world, name)))
        .map_err(|error| Refusal::new(400, "BadRequest", error.0))
}

fn rows(answer: &Answer) -> Vec<Value> {
    let value = |row: &Row, name: &String| row.get(name).map_or(Value::Null, kql::Cell::to_json);
    let row = |row: &Row| -> Value {
        let columns = answer.columns.iter();
        Value::Object(
            columns
                .map(|column| (column.name.clone(), value(row, &column.name)))
                .collect(),
        )
    };
    answer.rows.iter().map(row).collect()
}

fn schema(answer: &Answer, name: &str, kind: &str) -> Vec<Value> {
    let columns = answer.columns.iter();
    columns
        .map(|column| json!({ name: column.name, kind: column.kind.as_str() }))
        .collect()
}

/// Defender for Endpoint.
pub(super) fn mde(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let answer = answer(cx, &[Field::required("Query")])?;
    Ok(Reply::ok(json!({
        "Schema": schema(&answer, "Name", "Type"),
        "Results": rows(&answer),
    })))
}

/// Defender XDR: with the cost of the query.
pub(super) fn xdr(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let answer = answer(cx, &[Field::required("Query")])?;
    let rows = rows(&answer);
    let size: usize = rows.iter().map(|row| row.to_string().len()).sum();
    Ok(Reply::ok(json!({
        "Stats": {
            "ExecutionTime": 0.015,
            "resource_usage": {
                "cache": {
                    "memory": { "hits": rows.len(), "misses": 0, "total": rows.len() },
                    "disk": { "hits": 0, "misses": 0, "total": 0 },
                },
                "cpu": {
                    "user": "00:00:00.0156250",
                    "kernel": "00:00:00",
                    "total cpu": "00:00:00.0156250",
                },
                "memory": { "peak_per_node": 1_048_576 },
            },
            "dataset_statistics": [{ "table_row_count": rows.len(), "table_size": size }],
        },
        "Schema": schema(&answer, "Name", "Type"),
        "Results": rows,
    })))
}

/// Microsoft Graph: keys in lower case, and a time span beside the query.
pub(super) fn graph(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let answer = answer(cx, &[Field::required("Query"), Field::optional("Timespan")])?;
    Ok(Reply::ok(json!({
        "@odata.context": format!("{GRAPH}/$metadata#microsoft.graph.security.huntingQueryResults"),
        "schema": schema(&answer, "name", "type"),
        "results": rows(&answer),
    })))
}
