;; Sleeps for a minute, then says whether the clock moved.
(module
  (import "quell:plugin/clock@0.1.0" "now-ms" (func $now-ms (result f64)))
  (import "quell:plugin/clock@0.1.0" "sleep-ms" (func $sleep-ms (param i32)))
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (local $before f64)
    (local.set $before (call $now-ms))
    (call $sleep-ms (i32.const 60000))
    (call $done-if (f64.ge (call $now-ms) (f64.add (local.get $before) (f64.const 60000))))))
