//! Rules in the shapes that public collections have, as files that a playbook refers to.

use serde_json::{Value, json};

use crate::place::{plan_with, why_not};

struct Public {
    rule: &'static str,
    fires: Vec<Value>,
    ignores: Vec<Value>,
}

/// An alert whose vendor's JSON is the log entry itself.
fn raw(entry: Value) -> Value {
    json!({ "raw": entry })
}

/// An alert about a process.
fn process(folder: &str, name: &str, command_line: &str, parent: (&str, &str)) -> Value {
    json!({
        "entities": [
            {"kind": "device", "device": {"name": "ws1"}},
            {
                "kind": "process",
                "command_line": command_line,
                "file": {"name": name, "path": folder},
                "parent": {"name": parent.1, "path": parent.0},
            },
        ],
    })
}

const PROCESS_CREATION: &str = r"
title: Encoded command of PowerShell
status: test
logsource: {category: process_creation, product: windows}
detection:
  selection_img:
    - Image|endswith:
        - '\powershell.exe'
        - '\pwsh.exe'
    - OriginalFileName:
        - 'PowerShell.EXE'
        - 'pwsh.dll'
  selection_cli:
    CommandLine|contains|windash:
      - ' -e '
      - ' -enc '
      - ' -encodedcommand '
  filter_main_parent:
    ParentImage|startswith: 'C:\Program Files\Agent\'
    ParentImage|endswith: '\agent.exe'
  filter_optional_tool:
    CommandLine|contains: 'known-deployment'
  condition: all of selection_* and not 1 of filter_main_* and not 1 of filter_optional_*
level: high
";

fn process_creation() -> Public {
    let windows = "C:\\Windows\\System32";
    Public {
        rule: PROCESS_CREATION,
        fires: vec![
            process(
                windows,
                "powershell.exe",
                "powershell -Enc SQBFAFgA",
                (windows, "cmd.exe"),
            ),
            process(windows, "pwsh.exe", "pwsh /enc x", (windows, "cmd.exe")),
            raw(json!({"OriginalFileName": "powershell.exe", "CommandLine": "a -e b"})),
        ],
        ignores: vec![
            process(
                windows,
                "powershell.exe",
                "powershell -File x",
                (windows, "cmd.exe"),
            ),
            process(
                windows,
                "notpowershell.exe",
                "x -enc y",
                (windows, "cmd.exe"),
            ),
            process(
                windows,
                "powershell.exe",
                "powershell -enc x",
                ("c:\\program files\\agent\\bin", "Agent.exe"),
            ),
            process(
                windows,
                "powershell.exe",
                "p -enc known-deployment",
                (windows, "x"),
            ),
        ],
    }
}

fn registry() -> Public {
    Public {
        rule: r"
title: A run key is set to a script
logsource: {category: registry_set, product: windows}
detection:
  selection:
    EventType: SetValue
    TargetObject|contains:
      - '\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\'
      - '\SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnce\'
    Details|re: '(?i)\.(ps1|vbs|js)\x22?$'
  filter_empty:
    Details: ''
  filter_null:
    Details: null
  filter_dword:
    Details|startswith: 'DWORD (0x'
  condition: selection and not 1 of filter_*
",
        fires: vec![raw(json!({
            "EventType": "SetValue",
            "TargetObject": "HKU\\S-1-5\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x",
            "Details": "wscript C:\\Users\\Public\\a.VBS",
        }))],
        ignores: vec![
            raw(json!({
                "EventType": "SetValue",
                "TargetObject": "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\x",
                "Details": "C:\\a.exe",
            })),
            raw(json!({
                "EventType": "SetValue",
                "TargetObject": "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\x",
            })),
            raw(json!({"EventType": "DeleteValue", "Details": "a.vbs"})),
        ],
    }
}

fn network() -> Public {
    let connection = |address: &str, port: Value, initiated: Value| {
        json!({
            "entities": [{"kind": "ip", "ip": {"address": address}}],
            "raw": {"DestinationPort": port, "Initiated": initiated, "DestinationIp": address},
        })
    };
    Public {
        rule: r"
title: A process talks to an outside host on an odd port
logsource: {category: network_connection, product: windows}
detection:
  selection:
    Initiated: 'true'
    DestinationPort:
      - 4444
      - 8531
  filter_main_local_ranges:
    DestinationIp|cidr:
      - '127.0.0.0/8'
      - '10.0.0.0/8'
      - '172.16.0.0/12'
      - '192.168.0.0/16'
      - '::1/128'
      - 'fe80::/10'
      - 'fc00::/7'
  condition: selection and not 1 of filter_main_*
",
        fires: vec![
            connection("203.0.113.9", json!(4444), json!("true")),
            connection("2001:db8::9", json!("8531"), json!(true)),
        ],
        ignores: vec![
            connection("10.2.3.4", json!(4444), json!("true")),
            connection("fe80::1", json!(4444), json!("true")),
            connection("203.0.113.9", json!(443), json!("true")),
            connection("203.0.113.9", json!(4444), json!("false")),
        ],
    }
}

fn dns() -> Public {
    Public {
        rule: r"
title: A name of a tunnel is looked up
logsource: {category: dns_query, product: windows}
detection:
  selection:
    QueryName|endswith:
      - '.tunnel.example'
      - '.relay.test'
  selection_long:
    QueryName|re: '^[a-z0-9]{40,}\.'
  condition: 1 of selection*
",
        fires: vec![
            raw(json!({"QueryName": "a.TUNNEL.example"})),
            json!({"entities": [{"kind": "url", "url": "x.relay.test"}]}),
            raw(json!({"QueryName": format!("{}.example", "a1".repeat(25))})),
        ],
        ignores: vec![raw(json!({"QueryName": "tunnel.example"})), raw(json!({}))],
    }
}

fn cloud() -> Public {
    let sign_in = |name: &str, result: Value, location: &str| {
        raw(json!({
            "properties": {
                "Operation": name,
                "ResultType": result,
                "location": {"countryOrRegion": location},
            },
        }))
    };
    Public {
        rule: r"
title: A role is given from an unusual place
logsource: {product: azure, service: auditlogs}
detection:
  selection:
    Operation:
      - 'Add member to role*'
      - 'Add eligible member to role*'
    ResultType: 0
  filter_home:
    location.countryOrRegion:
      - DE
      - FR
  condition: selection and not filter_home
",
        fires: vec![sign_in("Add member to role.", json!("0"), "XX")],
        ignores: vec![
            sign_in("Add member to role.", json!(0), "de"),
            sign_in("Remove member from role.", json!(0), "XX"),
            sign_in("Add member to role.", json!(50126), "XX"),
        ],
    }
}

fn keywords() -> Public {
    Public {
        rule: r"
title: Words of a known tool in a log
logsource: {product: linux}
detection:
  keywords:
    - 'sekurlsa::logonpasswords'
    - 'lsadump::*'
  keywords_all:
    '|all':
      - 'failed password for'
      - ' from 203.0.113.'
  filter_test: ['unit-test']
  condition: (keywords or keywords_all) and not filter_test
",
        fires: vec![
            json!({"title": "run SEKURLSA::LogonPasswords"}),
            raw(json!({"message": ["x", "cmd lsadump::sam"]})),
            raw(json!({"a": "Failed password for root", "b": "x from 203.0.113.7 port 22"})),
        ],
        ignores: vec![
            raw(json!({"a": "Failed password for root"})),
            json!({"title": "lsadump::sam", "raw": {"tag": "a unit-test"}}),
            json!({}),
        ],
    }
}

fn lists_of_maps() -> Public {
    Public {
        rule: r"
title: Accounts and groups are listed
logsource: {category: process_creation, product: windows}
detection:
  selection_net:
    - CommandLine|contains|all:
        - 'net'
        - ' group '
    - CommandLine|contains|all:
        - 'net'
        - ' user '
      User|contains: 'svc'
  selection_level:
    IntegrityLevel:
      - 'System'
      - 'S-1-16-16384'
  selection_id:
    EventID: 4688
  condition: selection_net and 1 of selection_level or selection_id and selection_net
",
        fires: vec![
            raw(json!({"CommandLine": "net group x", "IntegrityLevel": "SYSTEM"})),
            raw(json!({"CommandLine": "net user x", "User": "svc1", "EventID": "4688"})),
        ],
        ignores: vec![
            raw(json!({"CommandLine": "net user x", "EventID": 4688})),
            raw(json!({"CommandLine": "net group x", "EventID": 1})),
        ],
    }
}

fn encoded() -> Public {
    Public {
        rule: r"
title: A download cradle in base64
logsource: {category: process_creation, product: windows}
detection:
  selection:
    CommandLine|wide|base64offset|contains:
      - 'DownloadString'
      - 'IEX '
  condition: selection
",
        fires: vec![raw(json!({
            "CommandLine": "powershell -enc \
                            KABuAGUAdwApAC4ARABvAHcAbgBsAG8AYQBkAFMAdAByAGkAbgBnACgAKQA=",
        }))],
        ignores: vec![raw(json!({"CommandLine": "powershell DownloadString"}))],
    }
}

#[test]
fn rules_in_the_shapes_of_public_collections_load_and_behave() {
    let all = [
        process_creation(),
        registry(),
        network(),
        dns(),
        cloud(),
        keywords(),
        lists_of_maps(),
        encoded(),
    ];
    for public in all {
        let plan = plan_with("sigma: it.yml", &[("it.yml", public.rule)]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}\n{}", public.rule));
        for alert in &public.fires {
            assert_eq!(why_not(&plan, alert), "", "{}\n{alert:#}", public.rule);
        }
        for alert in &public.ignores {
            assert_ne!(why_not(&plan, alert), "", "{}\n{alert:#}", public.rule);
        }
    }
}
