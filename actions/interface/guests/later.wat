;; Waits for something outside: hands back its state, and is done when it gets a state.
(module
  (global $effect i32 (i32.const 0))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (data (i32.const 2048) "{\"scan\":7}\00")
  (data (i32.const 2080) "waiting for the scan\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param $call i32) (result i32)
    ;; Byte 44 of the parameters tells whether `resume` is there.
    (if (i32.load8_u offset=44 (local.get $call))
      (then (return (call $done-if (i32.const 1)))))
    (i32.store8 (i32.const 20) (i32.const 1))
    (i32.store (i32.const 24) (i32.const 90))
    (call $put (i32.const 28) (i32.const 2048))
    (i32.store8 (i32.const 36) (i32.const 1))
    (call $put (i32.const 40) (i32.const 2080))
    (i32.const 16)))
