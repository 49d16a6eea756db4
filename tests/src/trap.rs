//! Builds of the Wasm filter that trap when a test says so. Each is made from the one that ships, at the time of the test and
//! into the test's folder: nothing of it is in the code or in the artefact.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use walrus::ir::{BinaryOp, Value};
use walrus::{FunctionKind, Module, ModuleConfig};

use crate::artefact;

/// A request with more header lines than this traps in a [`Trap::Headers`] build.
pub const MOST_HEADERS: usize = 60;

/// Where a build traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// At the headers of a request that has more than [`MOST_HEADERS`] lines.
    Headers,
    /// When a queue wakes a VM: the compiler's first pushed table is its end.
    Queue,
}

/// Writes such a build of the filter into a folder, and gives the file.
///
/// # Errors
/// There is no filter, or it does not export what is to trap.
pub fn build(trap: Trap, folder: &Path) -> Result<PathBuf> {
    let mut module = ModuleConfig::new().parse(&fs::read(artefact::wasm()?)?)?;
    match trap {
        Trap::Headers => prepend(&mut module, "proxy_on_request_headers", Some((1, MOST_HEADERS)))?,
        Trap::Queue => prepend(&mut module, "proxy_on_queue_ready", None)?,
    }
    let file = folder.join(format!("{trap:?}.wasm"));
    fs::write(&file, module.emit_wasm())?;
    Ok(file)
}

/// Puts a trap before everything else that an exported function does: on every call, or where an argument is over a limit.
fn prepend(module: &mut Module, export: &str, over: Option<(usize, usize)>) -> Result<()> {
    let function = module.exports.get_func(export)?;
    let FunctionKind::Local(function) = &mut module.funcs.get_mut(function).kind else {
        anyhow::bail!("{export} is imported");
    };
    let argument = match over {
        Some((argument, limit)) => {
            let local =
                function.args.get(argument).with_context(|| format!("{export} has too few arguments"))?;
            Some((*local, i32::try_from(limit)?))
        }
        None => None,
    };
    let mut body = function.builder_mut().func_body();
    ensure!(!body.instrs().is_empty(), "{export} does nothing");
    match argument {
        None => {
            body.instr_at(0, walrus::ir::Unreachable {});
        }
        Some((argument, limit)) => {
            body.local_get_at(0, argument)
                .const_at(1, Value::I32(limit))
                .binop_at(2, BinaryOp::I32GtU)
                .if_else_at(
                    3,
                    None,
                    |then| {
                        then.unreachable();
                    },
                    |_| {},
                );
        }
    }
    Ok(())
}
