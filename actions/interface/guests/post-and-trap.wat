;; Contains: its request leaves, then it breaks, so that nobody knows what it would have said.
(module
  (import "quell:plugin/http@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (global $effect i32 (i32.const 3))
  (global $simulates i32 (i32.const 0))
  ;; prelude
  (data (i32.const 2048) "POST\00")
  (data (i32.const 2064) "https://api.example.com/v1/block\00")
  (data (i32.const 2224) "{\"device\":\"d1\"}\00")
  (export "quell:plugin/actions@0.1.0#describe" (func $describe))
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (call $send
      (i32.const 2048) (call $len (i32.const 2048))
      (i32.const 1) (i32.const 2064) (call $len (i32.const 2064)) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0)
      (i32.const 1) (i32.const 2224) (call $len (i32.const 2224))
      (i32.const 0) (i32.const 0)
      (i32.const 96))
    unreachable))
