;; Sends one request. `ok` says whether there was a 2xx; a refusal by the engine is passed on as the
;; failure `denied`, anything else without an answer as `unavailable`. Tests replace the texts.
(module
  (import "quell:plugin/http@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (data (i32.const 2048) "GET\00")
  (data (i32.const 2064) "https://api.example.com/v1/files?hash=abc%20d\00")
  (data (i32.const 2176) "x-trace\00")
  (data (i32.const 2208) "one\00")
  (data (i32.const 2304) "ask.denied\00")
  (data (i32.const 2320) "ask.no-answer\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    ;; One header at 2432.
    (call $put (i32.const 2432) (i32.const 2176))
    (call $put (i32.const 2440) (i32.const 2208))
    (call $send
      (i32.const 2048) (call $len (i32.const 2048))
      ;; target: url(…)
      (i32.const 1) (i32.const 2064) (call $len (i32.const 2064)) (i32.const 0) (i32.const 0)
      (i32.const 2432) (i32.const 1)
      ;; no body
      (i32.const 0) (i32.const 0) (i32.const 0)
      ;; no timeout of its own; the answer goes to 96
      (i32.const 0) (i32.const 0)
      (i32.const 96))
    (if (i32.eqz (i32.load8_u (i32.const 96)))
      (then
        ;; Status 200 to 299.
        (return (call $done-if
          (i32.lt_u (i32.sub (i32.load16_u (i32.const 100)) (i32.const 200)) (i32.const 100))))))
    (if (i32.eqz (i32.load8_u (i32.const 100)))
      (then (return (call $fail (i32.const 9) (i32.const 2304)))))
    (call $fail (i32.const 7) (i32.const 2320))))
