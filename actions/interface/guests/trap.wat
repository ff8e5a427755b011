;; Breaks at once.
(module
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func $falls-apart (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    unreachable))
