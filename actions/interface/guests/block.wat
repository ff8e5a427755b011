;; Contains as it should: asks a service once, says after a crash whether that arrived, and waits
;; where it is told to.
(module
  (import "quell:plugin/http@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (global $effect i32 (i32.const 3))
  (global $simulates i32 (i32.const 0))
  (global $wait-s i32 (i32.const 0))
  ;; prelude
  (data (i32.const 2048) "POST\00")
  (data (i32.const 2056) "GET\00")
  (data (i32.const 2064) "box\00")
  (data (i32.const 2080) "/v1/block\00")
  (data (i32.const 2224) "{\"device\":\"d1\"}\00")
  (data (i32.const 2304) "block.down\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))

  ;; The status of the answer; 0 when there is none.
  (func $ask (param $method i32) (param $body-kind i32) (result i32)
    (call $send
      (local.get $method) (call $len (local.get $method))
      (i32.const 0) (i32.const 2064) (call $len (i32.const 2064))
      (i32.const 2080) (call $len (i32.const 2080))
      (i32.const 0) (i32.const 0)
      (local.get $body-kind) (i32.const 2224) (call $len (i32.const 2224))
      (i32.const 0) (i32.const 0)
      (i32.const 96))
    (select (i32.const 0) (i32.load16_u (i32.const 100)) (i32.load8_u (i32.const 96))))

  (func (export "quell:plugin/actions@0.1.0#run") (param $call i32) (result i32)
    (local $status i32)
    ;; Byte 44 of the parameters tells whether `resume` is there.
    (if (i32.load8_u offset=44 (local.get $call))
      (then (return (call $done-if (i32.const 1)))))
    ;; Byte 28 is the mode; 2 asks what happened.
    (if (i32.eq (i32.load8_u offset=28 (local.get $call)) (i32.const 2))
      (then
        (local.set $status (call $ask (i32.const 2056) (i32.const 0)))
        (if (i32.eq (local.get $status) (i32.const 200))
          (then (return (call $done-if (i32.const 1)))))
        (if (i32.eq (local.get $status) (i32.const 404))
          (then
            (i32.store8 (i32.const 20) (i32.const 2))
            (return (i32.const 16))))
        (return (call $fail (i32.const 10) (i32.const 2304)))))
    (local.set $status (call $ask (i32.const 2048) (i32.const 1)))
    (if (i32.ne (i32.div_u (local.get $status) (i32.const 100)) (i32.const 2))
      (then (return (call $fail (i32.const 7) (i32.const 2304)))))
    (if (global.get $wait-s)
      (then
        (i32.store8 (i32.const 20) (i32.const 1))
        (i32.store (i32.const 24) (global.get $wait-s))
        (call $put (i32.const 28) (i32.const 2224))
        (return (i32.const 16))))
    (call $done-if (i32.const 1))))
