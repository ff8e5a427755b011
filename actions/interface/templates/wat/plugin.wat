;; The bare interface, without a language in between: one action that asks whether a service is up.
;; Strings are an address and a length; structures lie in memory as the canonical ABI has them.
(module
  (import "quell:plugin/http@0.1.0" "send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))

  ;; Hands out memory and never takes it back: a fresh instance serves each call.
  (func (export "cabi_realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (block $enough
      (loop $more
        (br_if $enough (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
        unreachable))
    (local.get $at))

  ;; Texts, each at a known address.
  (data (i32.const 1024) "ping")
  (data (i32.const 1032) "service")
  (data (i32.const 1040) "GET")
  (data (i32.const 1048) "/v1/status")
  (data (i32.const 1064) "Is the service up?")
  (data (i32.const 1088) "{\"type\":\"object\",\"additionalProperties\":false,\"examples\":[{}]}")
  (data (i32.const 1152)
    "{\"type\":\"object\",\"required\":[\"up\"],\"additionalProperties\":false,"
    "\"properties\":{\"up\":{\"type\":\"boolean\"}},\"examples\":[{\"up\":true}]}")
  (data (i32.const 1300) "{\"up\":true} {\"up\":false}")

  ;; plugin-info at 512: title, description, config-schema, and one action-info at 256.
  (data (i32.const 512)
    "\28\04\00\00\12\00\00\00" "\28\04\00\00\12\00\00\00" "\40\04\00\00\3e\00\00\00"
    "\00\01\00\00\01\00\00\00")
  ;; action-info: name, title, description, input-schema, output-schema; read, natural, no dry run,
  ;; ends at once, no undo; connection `service` without permissions; no codes.
  (data (i32.const 256)
    "\00\04\00\00\04\00\00\00" "\28\04\00\00\12\00\00\00" "\28\04\00\00\12\00\00\00"
    "\40\04\00\00\3e\00\00\00" "\80\04\00\00\80\00\00\00"
    "\00\00\00\00" "\00\00\00\00\00\00\00\00\00\00\00\00"
    "\01\00\00\00" "\08\04\00\00\07\00\00\00" "\00\00\00\00\00\00\00\00"
    "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
  (func (export "quell:plugin/actions@0.1.0#describe") (result i32) (i32.const 512))

  ;; The answer is `ok(done(text))`, at 16; the answer of `send` comes to 96.
  (func (export "quell:plugin/actions@0.1.0#run") (param i32) (result i32)
    (call $send
      (i32.const 1040) (i32.const 3)
      (i32.const 0) (i32.const 1032) (i32.const 7) (i32.const 1048) (i32.const 10)
      (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0)
      (i32.const 96))
    ;; Up when there was a response and its status is 200.
    (if (i32.and
          (i32.eqz (i32.load8_u (i32.const 96)))
          (i32.eq (i32.load16_u (i32.const 100)) (i32.const 200)))
      (then
        (i32.store (i32.const 24) (i32.const 1300))
        (i32.store (i32.const 28) (i32.const 11)))
      (else
        (i32.store (i32.const 24) (i32.const 1312))
        (i32.store (i32.const 28) (i32.const 12))))
    (i32.const 16)))
