//! What a token says that it may do, in every shape in which one comes.

use std::collections::BTreeSet;

use actions_contract::Api;
use engine_broker::{Context, Need};
use serde_json::{Value, json};

use crate::stage::{CLIENT, OTHER_TENANT, Reply, Stage, TENANT};

const ROLES: [&str; 2] = ["Alert.ReadWrite.All", "Machine.Isolate"];

async fn granted(stage: &Stage) -> Result<Option<BTreeSet<String>>, String> {
    let grants = stage.broker.grants("prod", TENANT, Api::Mde).await;
    let grants = grants.map_err(|error| error.code.into_owned())?;
    assert_eq!(grants.context, Context::Application);
    let need = Need {
        action: "defender.isolate-machine".to_owned(),
        any_of: vec!["Machine.Isolate".to_owned()],
    };
    if grants.permissions.is_none() {
        assert_eq!(grants.compare(&[need]).missing, []);
    }
    Ok(grants.permissions)
}

#[tokio::test]
async fn tokens_of_both_versions_tell_their_permissions_and_whose_they_are() {
    let versions = [
        json!({ "ver": "1.0", "roles": ROLES }),
        json!({ "ver": "2.0", "appid": null, "azp": CLIENT, "roles": ROLES }),
    ];
    for claims in versions {
        let stage = Stage::new().await;
        *stage.world.claims.lock().unwrap() = claims;
        let wanted = BTreeSet::from(ROLES.map(str::to_owned));
        assert_eq!(granted(&stage).await, Ok(Some(wanted)));
        assert_eq!((stage.world.token_count(), stage.world.api_count()), (1, 0));
    }
    let others = [
        json!({ "ver": "1.0", "appid": OTHER_TENANT }),
        json!({ "ver": "2.0", "appid": null, "azp": OTHER_TENANT }),
    ];
    for claims in others {
        let stage = Stage::new().await;
        *stage.world.claims.lock().unwrap() = claims;
        assert_eq!(granted(&stage).await, Err("BR0107".to_owned()));
    }
}

#[tokio::test]
async fn a_token_without_roles_grants_nothing_and_one_that_cannot_be_read_is_unknown() {
    let stage = Stage::new().await;
    assert_eq!(granted(&stage).await, Ok(Some(BTreeSet::new())));
    for token in ["opaque", "e30.!!not-base64!!.x", "e30.eA.x", "a.b.c.d.e"] {
        let stage = Stage::new().await;
        let body: Value = json!({
            "token_type": "Bearer", "expires_in": 3599, "access_token": token,
        });
        stage
            .world
            .next_token_reply(Reply::new(200, body.to_string()));
        assert_eq!(granted(&stage).await, Ok(None), "{token}");
    }
}
