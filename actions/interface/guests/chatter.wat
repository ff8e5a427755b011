;; Writes a thousand log lines.
(module
  (import "quell:plugin/log@0.1.0" "write"
    (func $write (param i32 i32 i32 i32 i32 i32)))
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (data (i32.const 2048) "still here\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (local $left i32)
    (local.set $left (i32.const 1000))
    (loop $again
      ;; level info, the message, no fields
      (call $write (i32.const 2) (i32.const 2048) (call $len (i32.const 2048))
        (i32.const 0) (i32.const 0) (i32.const 0))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (call $done-if (i32.const 1))))
