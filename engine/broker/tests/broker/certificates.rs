//! Certificates: what their statements say, and which are refused before anything is sent.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use engine_broker::TokenEventKind as Kind;
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::stage::{CLIENT, NOW_S, Stage, TENANT, refusal};

const YEAR_S: u64 = 31_557_600;

/// The files of `tests/certificates`, readable by their owner only.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
        for entry in std::fs::read_dir(source).unwrap() {
            let path = entry.unwrap().path();
            let copy = directory.path().join(path.file_name().unwrap());
            std::fs::copy(&path, &copy).unwrap();
            std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn reference(&self, name: &str) -> String {
        format!("file:{}", self.path(name).display())
    }

    /// A credential with one file.
    pub(crate) fn credential(&self, name: &str) -> Value {
        json!({ "type": "certificate", "certificate": self.reference(name) })
    }

    fn pfx(&self, name: &str) -> Value {
        let mut credential = self.credential(name);
        credential["password"] = json!("env:PFX_PASSWORD");
        credential
    }
}

/// The DER of the certificate that the tests speak with.
fn app_certificate() -> Vec<u8> {
    let pem = include_bytes!("../certificates/app.crt");
    let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
    sections.next().unwrap().unwrap().1
}

/// A statement of the application, with its signature checked.
pub(crate) fn opened(statement: &str) -> TokenData<Value> {
    let der = app_certificate();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else {
        panic!("the certificate is not RSA");
    };
    let key = DecodingKey::from_rsa_raw_components(&key.modulus[1..], key.exponent);
    let mut validation = Validation::new(Algorithm::PS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(statement, &key, &validation).unwrap()
}

#[tokio::test]
async fn a_certificate_speaks_with_a_signed_statement_instead_of_a_secret() {
    let files = Files::new();
    let stage = Stage::with_credential(files.credential("app.pem")).await;
    stage.get("/a").await.unwrap();
    assert_eq!(stage.world.sent("client_secret"), Vec::<String>::new());
    assert_eq!(stage.world.sent("client_id"), [CLIENT]);
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(stage.world.sent("client_assertion_type"), [kind]);
    let statement = opened(&stage.world.sent("client_assertion")[0]);
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(app_certificate()));
    let header = &statement.header;
    assert_eq!(header.x5t_s256.as_deref(), Some(thumbprint.as_str()));
    assert_eq!(
        (header.typ.as_deref(), header.alg),
        (Some("JWT"), Algorithm::PS256)
    );
    assert_eq!((&header.x5c, &header.x5t), (&None, &None));
    let claims = statement.claims;
    let url = format!("{}/{TENANT}/oauth2/v2.0/token", stage.origin);
    assert_eq!(claims["aud"], url.as_str());
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!(CLIENT), &json!(CLIENT))
    );
    let number = |name: &str| claims[name].as_u64().unwrap();
    assert_eq!(number("nbf"), NOW_S - 30);
    assert_eq!(number("exp"), NOW_S + 300);
}

#[tokio::test]
async fn no_statement_is_sent_twice_and_each_is_made_when_it_is_sent() {
    let files = Files::new();
    let stage = Stage::with_credential(files.credential("app.pem")).await;
    for _ in 0..100 {
        stage.get("/a").await.unwrap();
        stage.clock.pass_secs(7200);
    }
    let statements = stage.world.sent("client_assertion");
    let claims: Vec<Value> = statements.iter().map(|text| opened(text).claims).collect();
    let ids: std::collections::HashSet<&str> = claims
        .iter()
        .filter_map(|claims| claims["jti"].as_str())
        .collect();
    assert_eq!(ids.len(), 100);
    let last = claims.last().unwrap();
    assert_eq!(last["nbf"].as_u64(), Some(NOW_S + 99 * 7200 - 30));
}

#[tokio::test]
async fn the_certificate_is_sent_along_only_where_it_is_asked_for() {
    let files = Files::new();
    let mut credential = files.pfx("app-modern.pfx");
    credential["send_x5c"] = json!(true);
    let stage = Stage::with_credential(credential).await;
    stage.set_env("PFX_PASSWORD", "pfx-password");
    stage.get("/a").await.unwrap();
    let statement = opened(&stage.world.sent("client_assertion")[0]);
    let chain = statement.header.x5c.unwrap();
    assert_eq!(
        chain.len(),
        2,
        "the other certificate of the file is its chain"
    );
    assert_eq!(chain[0], STANDARD.encode(app_certificate()));
}

#[tokio::test]
async fn old_and_new_pfx_files_and_split_pem_files_are_read() {
    let files = Files::new();
    let mut split = files.credential("app.crt");
    split["private_key"] = json!(files.reference("app.key"));
    for credential in [
        files.pfx("app-modern.pfx"),
        files.pfx("app-legacy.pfx"),
        split,
    ] {
        let stage = Stage::with_credential(credential.clone()).await;
        stage.set_env("PFX_PASSWORD", "pfx-password");
        stage.get("/a").await.unwrap();
        opened(&stage.world.sent("client_assertion")[0]);
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_serve_is_refused_before_anything_is_sent() {
    let files = Files::new();
    std::fs::write(files.path("app.crt"), "no certificate").unwrap();
    let mut mismatch = files.credential("other.crt");
    mismatch["private_key"] = json!(files.reference("app.key"));
    let cases = [
        (
            files.pfx("app-modern.pfx"),
            0,
            "does not open with the password",
        ),
        (
            files.pfx("app-legacy.pfx"),
            0,
            "does not open with the password",
        ),
        (files.credential("app.pem"), 120 * YEAR_S, "has expired"),
        (files.credential("curve.pem"), 0, "does not have an RSA key"),
        (files.credential("short.pem"), 0, "less than 2048"),
        (files.credential("other.crt"), 0, "without a private key"),
        (mismatch, 0, "does not belong to the private key"),
        (files.credential("app.crt"), 0, "is neither PEM nor PFX"),
    ];
    for (credential, later_s, wanted) in cases {
        let stage = Stage::with_credential(credential).await;
        stage.clock.pass_secs(later_s);
        stage.set_env("PFX_PASSWORD", "wrong");
        let error = stage.get("/a").await.unwrap_err().error;
        assert_eq!(error.code, "BR0109", "{error}");
        assert!(error.message.contains(wanted), "{error}");
        assert!(!error.message.contains("wrong"), "{error}");
        assert_eq!(stage.world.token_count(), 0);
    }
    let stage = Stage::with(|config, _, _| {
        config["connections"]["prod"]["credential"] = files.credential("app.pem");
    })
    .await;
    let error = stage.get("/a").await.unwrap_err().error;
    assert!(error.message.contains("is not valid yet"), "{error}");
}

#[tokio::test]
async fn a_certificate_file_that_others_may_read_is_refused() {
    let files = Files::new();
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(files.path("app.pem"), open).unwrap();
    let stage = Stage::with_credential(files.credential("app.pem")).await;
    assert_eq!(stage.code().await, "BR0106");
}

#[tokio::test]
async fn a_replaced_certificate_is_used_for_the_next_request() {
    let files = Files::new();
    let stage = Stage::with_credential(files.credential("app.pem")).await;
    stage.get("/a").await.unwrap();
    stage.get("/b").await.unwrap();
    assert_eq!(stage.world.token_count(), 1);
    std::fs::rename(files.path("curve.pem"), files.path("app.pem")).unwrap();
    assert_eq!(
        stage.code().await,
        "BR0109",
        "a cached token hid the new file"
    );
}

#[tokio::test]
async fn the_end_of_a_certificate_is_told_thirty_fourteen_seven_and_one_day_before() {
    let files = Files::new();
    let stage = Stage::with_credential(files.credential("app.pem")).await;
    let der = app_certificate();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let end_s = u64::try_from(certificate.validity().not_after.timestamp()).unwrap();
    let day_s = 86_400;
    stage.clock.pass_secs(end_s - NOW_S - 40 * day_s);
    let mut told = Vec::new();
    for days_left in (1..=40_u64).rev() {
        for _ in 0..2 {
            stage.get("/a").await.unwrap();
        }
        let count = stage
            .kinds()
            .iter()
            .filter(|kind| **kind == Kind::CredentialExpiring)
            .count();
        if count > told.len() {
            told.push(days_left);
        }
        assert_eq!(count, told.len());
        stage.clock.pass_secs(day_s);
    }
    assert_eq!(told, [30, 14, 7, 1]);
    let events = stage.events.lock().unwrap();
    let first = events
        .iter()
        .find(|event| event.kind == Kind::CredentialExpiring);
    assert_eq!(first.unwrap().ttl_s, Some(30 * day_s));
}

#[tokio::test]
async fn a_statement_that_is_out_of_time_is_made_anew_once() {
    let files = Files::new();
    let stage = Stage::with_credential(files.credential("app.pem")).await;
    stage
        .world
        .next_token_reply(refusal(401, "invalid_client", 700_024));
    stage.get("/a").await.unwrap();
    let statements = stage.world.sent("client_assertion");
    assert_eq!(statements.len(), 2);
    assert_ne!(
        opened(&statements[0]).claims["jti"],
        opened(&statements[1]).claims["jti"]
    );

    let stage = Stage::with_credential(files.credential("app.pem")).await;
    for _ in 0..2 {
        let late = refusal(401, "invalid_client", 700_024);
        stage
            .world
            .next_token_reply(late.with("date", "Wed, 18 May 2033 03:43:20 GMT"));
    }
    let error = stage.get("/a").await.unwrap_err().error;
    assert_eq!(
        (error.code.as_ref(), stage.world.token_count()),
        ("BR0102", 2)
    );
    assert!(
        error
            .message
            .contains("the clock of this machine is off by 600 seconds"),
        "{error}"
    );
    let statements = stage.world.sent("client_assertion");
    let nbf = |i: usize| opened(&statements[i]).claims["nbf"].as_u64().unwrap();
    assert_eq!(
        nbf(1) - nbf(0),
        600,
        "the second is dated by the clock of the token service"
    );
}
