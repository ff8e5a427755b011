;; Reads Graph through the configured connection.
(module
  (import "quell:plugin/http@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 1))
  ;; prelude
  (data (i32.const 2048) "GET\00")
  (data (i32.const 2064) "graph\00")
  (data (i32.const 2080) "/v1.0/users/u1\00")
  (data (i32.const 2304) "read.denied\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (call $send
      (i32.const 2048) (call $len (i32.const 2048))
      ;; target: connection(…)
      (i32.const 0)
      (i32.const 2064) (call $len (i32.const 2064))
      (i32.const 2080) (call $len (i32.const 2080))
      (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0)
      (i32.const 96))
    (if (i32.load8_u (i32.const 96))
      (then (return (call $fail (i32.const 9) (i32.const 2304)))))
    (call $done-if (i32.eq (i32.load16_u (i32.const 100)) (i32.const 200)))))
