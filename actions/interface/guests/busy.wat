;; Fails with a code of its own and asks for a pause of 1500 ms.
(module
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (data (i32.const 2048) "scanner.busy\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (drop (call $fail (i32.const 6) (i32.const 2048)))
    ;; err(retryable(…, some(1500)))
    (i32.store8 (i32.const 20) (i32.const 0))
    (i32.store8 (i32.const 56) (i32.const 1))
    (i32.store (i32.const 60) (i32.const 1500))
    (i32.const 16)))
