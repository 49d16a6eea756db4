//! Only the wanted exports remain, and dead code goes with the others.

use walrus::{FunctionBuilder, Module, ModuleConfig};
use zoneway_prune::{KEPT, exports, prune};

/// A module that exports these functions, one memory, and a function of its own behind each.
fn module(names: &[&str]) -> Vec<u8> {
    let mut module = Module::with_config(ModuleConfig::new());
    let memory = module.memories.add_local(false, false, 1, None, None);
    for name in names {
        if *name == "memory" {
            module.exports.add("memory", memory);
            continue;
        }
        let mut function = FunctionBuilder::new(&mut module.types, &[], &[]);
        function.name(format!("behind {name}")).func_body();
        let function = function.finish(vec![], &mut module.funcs);
        module.exports.add(name, function);
    }
    module.emit_wasm()
}

#[test]
fn only_the_wanted_exports_remain() {
    let mut names = KEPT.to_vec();
    names.extend(["proxy_on_log", "proxy_on_done", "proxy_on_response_headers", "proxy_on_grpc_close"]);
    let pruned = prune(&module(&names)).expect("a module that exports all");
    let mut kept = KEPT.map(str::to_owned).to_vec();
    kept.sort();
    assert_eq!(exports(&pruned).expect("a module"), kept);
    let functions = Module::from_buffer(&pruned).expect("a module").funcs.iter().count();
    assert_eq!(functions, KEPT.len() - 1, "the code behind the others is gone");
}

#[test]
fn an_entry_of_its_own_stands_in_for_the_sdks() {
    let mut names = KEPT.to_vec();
    names.push("zoneway_on_tick");
    let pruned = Module::from_buffer(&prune(&module(&names)).expect("both")).expect("a module");
    let ticks: Vec<_> = pruned.exports.iter().filter(|export| export.name.ends_with("on_tick")).collect();
    let [tick] = ticks.as_slice() else { panic!("one of them is left, not {}", ticks.len()) };
    let walrus::ExportItem::Function(function) = tick.item else { panic!("it is a function") };
    assert_eq!(tick.name, "proxy_on_tick");
    assert_eq!(pruned.funcs.get(function).name.as_deref(), Some("behind zoneway_on_tick"));
}

#[test]
fn a_module_that_lacks_one_is_refused() {
    for missing in KEPT {
        let names: Vec<&str> = KEPT.into_iter().filter(|name| *name != missing).collect();
        let refused = prune(&module(&names)).expect_err("an export is missing").to_string();
        assert!(refused.contains(missing), "{refused}");
    }
    prune(b"no module").expect_err("this is no module");
}
