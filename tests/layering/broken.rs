//! Breaks each rule once, in an artificial tree, and checks the message.

use super::graph::Sources;
use super::rules::breaches;
use super::table::MAX_LINES;

/// Returns the breaches in a tree.
fn of(files: &[(&str, &str)]) -> Vec<String> {
    breaches(&files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect::<Sources>())
}

#[track_caller]
fn assert_named(found: &[String], breach: &str) {
    assert!(found.iter().any(|one| one.starts_with(breach)), "{breach:?} is not among {found:#?}");
}

#[test]
fn a_tree_that_follows_the_rules_has_no_breach() {
    let found = of(&[
        ("pkg/src/errors.ts", "export class PortcullisError extends Error {}"),
        (
            "pkg/src/origin/origin.ts",
            "import type { A } from './service/service.ts'\nimport './recording/committer.ts'",
        ),
        (
            "pkg/src/origin/service/service.ts",
            "import { c } from '../recording/committer.ts'\ncommitter.record('acme', event)",
        ),
        ("pkg/src/origin/recording/committer.ts", "import { PortcullisError } from '../../errors.ts'"),
        ("pkg/src/origin/http/routes/keys.ts", "import type { S } from '../../service/service.ts'"),
        (
            "pkg/src/origin/http/routes/keys.test.ts",
            "import '../../origin.ts'\nimport 'node:test'\nimport '../../testing/stage.ts'",
        ),
        ("src/lib.rs", "mod time; mod verdict;"),
        ("src/time.rs", "use core::fmt;"),
        ("src/verdict.rs", "mod answer; pub use self::answer::Answer; use crate::time::Seconds;"),
        ("src/verdict/answer.rs", "use super::Answer; use crate::time::Seconds;"),
        ("www/demo/run.ts", "import { createGate } from 'portcullis/edge'"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_cycle_of_files_is_named_with_its_path_types_and_late_imports_included() {
    let found = of(&[
        ("pkg/src/origin/feed/a.ts", "import type { B } from './b.ts'"),
        ("pkg/src/origin/feed/b.ts", "export type {\n  C,\n} from './c.ts'"),
        ("pkg/src/origin/feed/c.ts", "export const late = () => import('./a.ts')"),
    ]);
    assert_eq!(found, ["origin/feed/a.ts -> origin/feed/b.ts -> origin/feed/c.ts -> origin/feed/a.ts"]);
}

#[test]
fn a_cycle_of_folders_is_named_with_the_imports_that_close_it() {
    let found = of(&[
        ("pkg/src/edge/realm.ts", "import '../core/module.ts'"),
        ("pkg/src/core/module.ts", "import '../http/body.ts'"),
        ("pkg/src/http/cors.ts", "import type { R } from '../core/buffer.ts'"),
        ("pkg/src/http/body.ts", ""),
        ("pkg/src/core/buffer.ts", ""),
    ]);
    let breach = "core -> http -> core (core/module.ts imports http/body.ts; http/cors.ts imports core/buffer.ts)";
    assert_named(&found, breach);
}

#[test]
fn an_import_against_the_order_is_named_with_what_would_be_allowed() {
    let found = of(&[
        ("pkg/src/origin/http/x.ts", "import { createOrigin } from '../origin.ts'"),
        ("pkg/src/origin/origin.ts", ""),
    ]);
    assert_named(
        &found,
        "origin/http/x.ts imports origin/origin.ts (origin/http/ may import: ./, origin/core/name.ts, ",
    );
    assert_named(
        &found,
        "origin/http/x.ts imports origin/origin.ts (only these may: origin/index.ts, cli/check/rehearsal.ts)",
    );
    let found = of(&[("pkg/src/timing/deadline.ts", "import '../types.ts'"), ("pkg/src/types.ts", "")]);
    assert_eq!(found, ["timing/deadline.ts imports types.ts (timing/ may import: ./, errors.ts)"]);
    let found = of(&[("pkg/src/errors.ts", "import type { R } from './reasons.ts'"), ("pkg/src/reasons.ts", "")]);
    assert_eq!(found, ["errors.ts imports reasons.ts (errors.ts may import: nothing)"]);
}

#[test]
fn edge_origin_and_browser_never_meet() {
    let found = of(&[
        ("pkg/src/edge/gate.ts", "import type { A } from '../origin/api.ts'"),
        ("pkg/src/origin/gate/gate.ts", "import '../../edge/gate.ts'"),
        ("pkg/src/browser/session.ts", "import type { A } from '../origin/api.ts'"),
        ("pkg/src/origin/api.ts", ""),
    ]);
    assert_named(&found, "edge/gate.ts imports origin/api.ts (edge/ may import: ");
    assert_named(&found, "origin/gate/gate.ts imports edge/gate.ts (origin/gate/ may import: ");
    assert_named(&found, "browser/session.ts imports origin/api.ts (browser/ may import: ");
}

#[test]
fn an_interface_is_imported_by_its_type_only() {
    let routes = "import { createService } from '../../service/service.ts'";
    let files = [("pkg/src/origin/http/routes/keys.ts", routes), ("pkg/src/origin/service/service.ts", "")];
    assert_named(
        &of(&files),
        "origin/http/routes/keys.ts imports origin/service/service.ts (origin/http/routes/ may import: ",
    );
    let found = of(&[
        ("pkg/src/adapters/hono.ts", "import { createGate } from '../edge/gate.ts'"),
        ("pkg/src/edge/gate.ts", ""),
    ]);
    assert_named(&found, "adapters/hono.ts imports edge/gate.ts (adapters/ may import: type ");
}

#[test]
fn a_store_imports_the_contract_of_stores_alone() {
    let found = of(&[
        (
            "pkg/src/origin/store/sqlite/rows.ts",
            "import '../memory.ts'\nimport '../postgres/rows.ts'\nimport '../../clock.ts'",
        ),
        ("pkg/src/origin/store/memory.ts", ""),
        ("pkg/src/origin/store/postgres/rows.ts", ""),
        ("pkg/src/origin/clock.ts", ""),
    ]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_named(&found, "origin/store/sqlite/rows.ts imports origin/clock.ts (origin/store/*/ may import: ./, ");
    assert_named(
        &found,
        "origin/store/sqlite/rows.ts imports origin/store/postgres/rows.ts (origin/store/*/ may import: ",
    );
}

#[test]
fn a_transport_knows_neither_the_realm_nor_another_transport() {
    let found = of(&[
        (
            "pkg/src/edge/feed/stream.ts",
            "import type { Realm } from '../realm.ts'\nimport './puller.ts'\nimport './subscriber.ts'",
        ),
        ("pkg/src/edge/feed/puller.ts", ""),
        ("pkg/src/edge/feed/subscriber.ts", ""),
        ("pkg/src/edge/realm.ts", ""),
    ]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_named(
        &found,
        "edge/feed/stream.ts imports edge/feed/puller.ts (edge/feed/ may import: edge/feed/subscriber.ts, ",
    );
    assert_named(&found, "edge/feed/stream.ts imports edge/realm.ts (edge/feed/ may import: ");
}

#[test]
fn generated_code_and_the_context_have_few_importers() {
    let found = of(&[
        ("pkg/src/edge/gate.ts", "import type { JsGate } from '../../wasm/edge/core.js'"),
        ("pkg/src/origin/core/module.ts", "import init from '../../../wasm/origin/core.js'"),
        ("pkg/src/origin/audit/log.ts", "import type { Context } from '../http/context.ts'"),
        ("pkg/src/origin/http/context.ts", ""),
    ]);
    assert_named(
        &found,
        "edge/gate.ts imports ../wasm/edge/core.js (only these may: origin/core/, edge/core/, entry/)",
    );
    assert_named(&found, "origin/audit/log.ts imports origin/http/context.ts (only these may: origin/http/)");
    assert!(!found.iter().any(|breach| breach.starts_with("origin/core/module.ts")), "{found:#?}");
}

#[test]
fn a_package_is_imported_only_where_it_runs() {
    let found = of(&[
        ("pkg/src/browser/session.ts", "import { decodeJwt } from 'jose'"),
        ("pkg/src/origin/feed/realm-feed.ts", "import { hash } from 'node:crypto'"),
        ("pkg/src/origin/node/index.ts", "import { createServer } from 'node:http'\nimport 'express'"),
        ("pkg/src/adapters/hono.ts", "import { Hono } from 'hono'\nimport type { Context } from 'hono'"),
    ]);
    let expected = [
        "adapters/hono.ts imports hono (it may import: type hono)",
        "browser/session.ts imports jose (it may import: no package)",
        "origin/feed/realm-feed.ts imports node:crypto (it may import: no package)",
        "origin/node/index.ts imports express (it may import: node:*)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn test_code_is_imported_by_tests_only() {
    let found = of(&[
        ("pkg/src/origin/http/router.ts", "import '../testing/stage.ts'"),
        ("pkg/src/origin/testing/stage.ts", ""),
    ]);
    assert_named(&found, "origin/http/router.ts imports origin/testing/stage.ts (only these may: tests)");
}

#[test]
fn only_the_service_records_in_the_ledger() {
    let found = of(&[
        ("pkg/src/origin/http/routes/oauth-revoke.ts", "await this.#committer\n  // in order\n  .record(realm, event)"),
        ("pkg/src/origin/http/routes/keys.ts", "// committer.record(realm)\nconst text = 'committer.record('"),
    ]);
    let because = "only the verbs of the service record in the ledger";
    assert_eq!(found, [format!("pkg/src/origin/http/routes/oauth-revoke.ts names committer.record ({because})")]);
}

#[test]
fn every_file_has_a_row() {
    let found = of(&[("pkg/src/origin/helpers.ts", ""), ("src/misc.rs", "")]);
    assert_eq!(found, ["misc.rs has no row in the table", "origin/helpers.ts has no row in the table"]);
}

#[test]
fn a_cycle_of_modules_is_named_but_not_of_a_parent_with_its_children() {
    let found = of(&[
        ("src/verdict.rs", "mod answer; mod judge; pub use self::answer::Answer;"),
        ("src/verdict/answer.rs", "fn f() { super::judge::judge() }"),
        ("src/verdict/judge.rs", "use super::{\n    Answer,\n};"),
        ("src/revocation.rs", "mod update; pub struct Revocations;"),
        ("src/revocation/update.rs", "use crate::revocation::Revocations;"),
        ("xtask/src/main.rs", "mod a; mod b;"),
        ("xtask/src/a.rs", "use crate::b::B;"),
        ("xtask/src/b.rs", "use super::a::A;"),
    ]);
    let expected = [
        "src: verdict/answer -> verdict/judge -> verdict/answer (verdict/answer.rs imports verdict/judge.rs; \
         verdict/judge.rs imports verdict/answer.rs)",
        "xtask/src: a -> b -> a (a.rs imports b.rs; b.rs imports a.rs)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn modules_have_an_order() {
    let found = of(&[
        ("src/token.rs", "use crate::revocation::Revocations;"),
        ("src/revocation.rs", "use crate::ledger::Ledger;"),
        ("src/ledger.rs", ""),
        ("src/revocation/lookup.rs", ""),
        ("src/revocation/message.rs", ""),
        ("src/revocation/lookup/filter.rs", "use crate::revocation::message::delta::Delta;"),
        ("src/revocation/message/delta.rs", "use crate::revocation::lookup::filter::Filter;"),
    ]);
    assert_named(&found, "token.rs imports revocation.rs (token may import: ./, ");
    assert_named(&found, "revocation.rs imports ledger.rs (revocation may import: ");
    let breach = "revocation/lookup/filter.rs imports revocation/message/delta.rs (revocation/lookup may import: ./, ";
    assert_named(&found, breach);
}

#[test]
fn host_names_stay_in_their_modules() {
    let found = of(&[
        ("src/verdict/judge.rs", "use wasm_bindgen::JsValue; // jwt_compact"),
        ("src/claims.rs", "use jwt_compact::Claims;"),
        ("src/ledger/event.rs", "fn f() { getrandom::getrandom(&mut bytes) }"),
        ("src/ledger/entropy.rs", "fn f() { getrandom::getrandom(&mut bytes) }"),
        ("src/time.rs", "use std::time::SystemTime;"),
        ("src/gate.rs", "use crate::revocation::Subject;"),
    ]);
    let expected = [
        "src/claims.rs names jwt_compact (only the reader of keys and signature name jwt-compact)",
        "src/gate.rs names revocation::Subject (the gate passes messages to the state and tokens to the verdict, and inspects neither)",
        "src/ledger/event.rs names getrandom (one file of the ledger draws randomness)",
        "src/time.rs names SystemTime (the core has no clock: the time is an argument)",
        "src/time.rs names std::time (the core has no clock: the time is an argument)",
        "src/verdict/judge.rs names wasm_bindgen (only the boundary names JavaScript)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn code_outside_the_package_imports_public_subpaths() {
    let found = of(&[
        ("www/demo/run.ts", "import { Ledger } from '../../pkg/src/origin/core/ledger.ts'"),
        ("tests/crash.test.ts", "const { x } = await import('portcullis/dist/origin/origin.js')"),
    ]);
    let expected = [
        "tests/crash.test.ts imports portcullis/dist/origin/origin.js (public subpaths only)",
        "www/demo/run.ts imports ../../pkg/src/origin/core/ledger.ts (public subpaths only)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn folders_files_and_names_are_limited() {
    let entries: Vec<String> = (1..=21).map(|number| format!("pkg/src/origin/store{number}/a.test.ts")).collect();
    let mut files: Vec<(&str, &str)> = entries.iter().map(|file| (file.as_str(), "")).collect();
    assert_eq!(of(&files), [""; 0]);
    let shipped: Vec<String> = (1..=21).map(|number| format!("pkg/src/origin/store{number}/a.ts")).collect();
    files = shipped.iter().map(|file| (file.as_str(), "")).collect();
    assert_named(&of(&files), "pkg/src/origin has 21 entries (at most 20)");

    let long = "\n".repeat(MAX_LINES + 1);
    let found = of(&[("src/time.rs", &long), ("pkg/src/errors.ts", &long), ("pkg/src/errors.test.ts", &long)]);
    assert_eq!(found, ["pkg/src/errors.ts has 351 lines (at most 350)", "src/time.rs has 351 lines (at most 350)"]);

    let names = ["timing/token-bucket.ts", "timing/tokenBucket.ts", "read/+server.ts", "read/+page.ts"];
    let files = names.map(|name| format!("tests/{name}"));
    let found = of(&files.each_ref().map(|file| (file.as_str(), "")));
    assert_eq!(found, ["tests/read/+page.ts is not kebab-case", "tests/timing/tokenBucket.ts is not kebab-case"]);
}
