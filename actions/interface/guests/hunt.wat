;; Asks a service for what it can get, then looks through all of its memory for the beginning of
;; a secret, `s3cr`; the four letters stand nowhere in it as they are.
(module
  (import "quell:plugin/http@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (data (i32.const 2048) "GET\00")
  (data (i32.const 2064) "box\00")
  (data (i32.const 2080) "/v1/token\00")
  (data (i32.const 2304) "hunt.found\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (local $at i32)
    (local $end i32)
    (call $send
      (i32.const 2048) (call $len (i32.const 2048))
      (i32.const 0) (i32.const 2064) (call $len (i32.const 2064))
      (i32.const 2080) (call $len (i32.const 2080))
      (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0)
      (i32.const 96))
    (local.set $end (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)))
    (block $through
      (loop $next
        (br_if $through (i32.gt_u (local.get $at) (local.get $end)))
        (if (i32.eq (i32.load (local.get $at)) (i32.const 0x72633373))
          (then (return (call $fail (i32.const 11) (i32.const 2304)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    ;; Whether there was a response, and it was a good one.
    (call $done-if (i32.and
      (i32.eqz (i32.load8_u (i32.const 96)))
      (i32.eq (i32.load16_u (i32.const 100)) (i32.const 200))))))
