;; Reaches for an import while it is only asked to describe itself.
(module
  (import "quell:plugin/clock@0.1.0" "now-ms" (func $now-ms (result f64)))
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (func (export "quell:plugin/actions@0.1.0#describe") (result i32)
    (drop (call $now-ms))
    (call $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (call $done-if (i32.const 1))))
