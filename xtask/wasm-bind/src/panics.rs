//! Turns panics into traps. Every panic ends in a trap anyway, and its message is lost, because a module has no
//! standard error. Without the code that runs before the trap, the slim module is 1.6 kB smaller after gzip.

use std::collections::HashSet;
use walrus::ir::{self, Instr, InstrSeqId, Visitor};
use walrus::{FunctionId, ImportKind, LocalFunction, Module};

/// The standard library's functions that end panics and failed allocations, and functions only called there. If a later
/// version renames them, less is replaced, and the test of the modules' sizes fails.
const ENDS: [&str; 3] = ["::rust_begin_unwind", "::handle_alloc_error", "::panicking::panic_handler::"];

/// Replaces with a trap each function that ends a panic, and each function that cannot return and reaches no import.
pub(crate) fn trap(module: &mut Module) {
    let bodies: Vec<(FunctionId, Body)> =
        module.funcs.iter_local().map(|(id, function)| (id, Body::of(function))).collect();
    let calls_out = calls_out(module, &bodies);
    let mut panics: HashSet<FunctionId> =
        bodies.iter().map(|(id, _)| *id).filter(|id| is_end(module.funcs.get(*id).name.as_deref())).collect();
    until_full(&mut panics, &bodies, |body, panics| {
        body.cannot_return() && body.calls.iter().all(|callee| panics.contains(callee) || !calls_out.contains(callee))
    });
    for id in panics {
        let function = module.funcs.get_mut(id).kind.unwrap_local_mut();
        let mut body = function.builder_mut().func_body();
        body.instrs_mut().clear();
        body.unreachable();
    }
}

fn is_end(name: Option<&str>) -> bool {
    name.is_some_and(|name| ENDS.iter().any(|end| name.contains(end)))
}

/// Returns the functions that may call JavaScript: imports, functions with indirect calls, and their callers.
fn calls_out(module: &Module, bodies: &[(FunctionId, Body)]) -> HashSet<FunctionId> {
    let imported = module.imports.iter().filter_map(|import| match import.kind {
        ImportKind::Function(id) => Some(id),
        _ => None,
    });
    let mut found = imported.collect();
    until_full(&mut found, bodies, |body, found| {
        body.calls_unnamed || body.calls.iter().any(|callee| found.contains(callee))
    });
    found
}

/// Adds related functions repeatedly until the set no longer grows.
fn until_full(
    found: &mut HashSet<FunctionId>,
    bodies: &[(FunctionId, Body)],
    belongs: impl Fn(&Body, &HashSet<FunctionId>) -> bool,
) {
    loop {
        let more = bodies.iter().filter(|(id, body)| !found.contains(id) && belongs(body, found));
        let more: Vec<FunctionId> = more.map(|(id, _)| *id).collect();
        if more.is_empty() {
            return;
        }
        found.extend(more);
    }
}

/// The relevant properties of a function's instructions.
struct Body {
    entry: InstrSeqId,
    /// The last instruction is a trap.
    ends_in_trap: bool,
    /// An instruction returns, or jumps to the end.
    returns: bool,
    /// The function calls through a table or a reference.
    calls_unnamed: bool,
    calls: HashSet<FunctionId>,
}

impl Body {
    fn of(function: &LocalFunction) -> Self {
        let entry = function.entry_block();
        let last = function.block(entry).instrs.last();
        let ends_in_trap = matches!(last, Some((Instr::Unreachable(_), _)));
        let mut body = Self { entry, ends_in_trap, returns: false, calls_unnamed: false, calls: HashSet::new() };
        ir::dfs_in_order(&mut body, function, entry);
        body
    }

    const fn cannot_return(&self) -> bool {
        self.ends_in_trap && !self.returns && !self.calls_unnamed
    }
}

impl Visitor<'_> for Body {
    fn visit_instr(&mut self, instr: &Instr, _: &ir::InstrLocId) {
        match instr {
            Instr::CallIndirect(_) | Instr::CallRef(_) => self.calls_unnamed = true,
            Instr::Br(jump) => self.returns |= jump.block == self.entry,
            Instr::BrIf(jump) => self.returns |= jump.block == self.entry,
            Instr::BrTable(jump) => self.returns |= jump.default == self.entry || jump.blocks.contains(&self.entry),
            // Exception instructions jump to their handler. Rust does not emit them as long as a panic aborts.
            Instr::Return(_)
            | Instr::ReturnCall(_)
            | Instr::ReturnCallIndirect(_)
            | Instr::ReturnCallRef(_)
            | Instr::Try(_)
            | Instr::TryTable(_) => self.returns = true,
            _ => (),
        }
    }

    /// Visits the targets of other jumps; walrus does not visit those above.
    fn visit_instr_seq_id(&mut self, target: &InstrSeqId) {
        self.returns |= *target == self.entry;
    }

    fn visit_function_id(&mut self, callee: &FunctionId) {
        self.calls.insert(*callee);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::ir::InstrSeqType;
    use walrus::{FunctionBuilder, InstrSeqBuilder};

    /// Adds a function without parameters and results.
    fn add(module: &mut Module, name: &str, write: impl FnOnce(&mut InstrSeqBuilder<'_>)) -> FunctionId {
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
        builder.name(name.to_owned());
        write(&mut builder.func_body());
        builder.finish(Vec::new(), &mut module.funcs)
    }

    fn import(module: &mut Module) -> FunctionId {
        let none = module.types.add(&[], &[]);
        module.add_import_func("js", "throw", none).0
    }

    fn is_trap(module: &Module, id: FunctionId) -> bool {
        let function = module.funcs.get(id).kind.unwrap_local();
        matches!(function.block(function.entry_block()).instrs.as_slice(), [(Instr::Unreachable(_), _)])
    }

    /// A module with a panic handler that calls JavaScript before it ends.
    fn module() -> (Module, FunctionId, FunctionId) {
        let mut module = Module::default();
        let js = import(&mut module);
        let handler = add(&mut module, "__rustc[b7974e8690430dd9]::rust_begin_unwind", |body| {
            body.call(js).unreachable();
        });
        (module, js, handler)
    }

    #[test]
    fn functions_that_only_panic_become_traps() {
        let (mut module, _, handler) = module();
        let message = add(&mut module, "message", |_| ());
        let panic = add(&mut module, "panic", |body| {
            body.call(message).call(handler).unreachable();
        });
        let bounds = add(&mut module, "bounds", |body| {
            body.block(InstrSeqType::Simple(None), |block| {
                let out = block.id();
                block.i32_const(1).br_if(out).call(handler).unreachable();
            });
            body.call(panic).unreachable();
        });
        trap(&mut module);
        assert!([handler, panic, bounds].iter().all(|id| is_trap(&module, *id)));
        assert!(!is_trap(&module, message));
    }

    #[test]
    fn functions_that_may_return_stay() {
        let (mut module, _, handler) = module();
        let falls_through = add(&mut module, "falls_through", |body| {
            body.call(handler);
        });
        let returns = add(&mut module, "returns", |body| {
            body.block(InstrSeqType::Simple(None), |block| {
                let out = block.id();
                block.i32_const(1).br_if(out).return_();
            });
            body.call(handler).unreachable();
        });
        let jumps_to_the_end = add(&mut module, "jumps_to_the_end", |body| {
            let end = body.id();
            body.i32_const(1).br_if(end).call(handler).unreachable();
        });
        trap(&mut module);
        assert!([falls_through, returns, jumps_to_the_end].iter().all(|id| !is_trap(&module, *id)));
    }

    #[test]
    fn functions_that_may_call_javascript_stay() {
        let (mut module, js, handler) = module();
        let throws = add(&mut module, "throws", |body| {
            body.call(js).unreachable();
        });
        let throws_later = add(&mut module, "throws_later", |body| {
            body.call(throws).unreachable();
        });
        let table = module.tables.add_local(false, 1, None, walrus::RefType::FUNCREF);
        let none = module.types.add(&[], &[]);
        let calls_unnamed = add(&mut module, "calls_unnamed", |body| {
            body.i32_const(0).call_indirect(none, table).call(handler).unreachable();
        });
        let calls_the_unnamed = add(&mut module, "calls_the_unnamed", |body| {
            body.call(calls_unnamed).unreachable();
        });
        trap(&mut module);
        let stay = [throws, throws_later, calls_unnamed, calls_the_unnamed];
        assert!(stay.iter().all(|id| !is_trap(&module, *id)));
        assert!(is_trap(&module, handler));
    }
}
