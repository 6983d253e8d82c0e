/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-methods.h"
#include "dbus/kv-dbus-names.h"
#include "sample.h"

#include <string.h>
#include <unistd.h>

/* Calls whose answers stay in the outbox, where there is no bus. */

#define METHOD 5

typedef struct {
  KvDbusOutbox *outbox;
  KvDbusContext context;
  KvDbusCargo answers; /* taken from the outbox */
  guint n_done;
  const char *error_name; /* (nullable): of the last one that was done */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->outbox = kv_dbus_outbox_new (&error);
  g_assert_no_error (error);
  fixture->context = (KvDbusContext){
    .store = kv_store_new (),
    .max_value_size = KV_VALUE_MAX_BYTES,
  };
  kv_store_put (fixture->context.store, "key", "value", -1, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  kv_dbus_outbox_unref (fixture->outbox);
  kv_dbus_cargo_clear (&fixture->answers);
  g_object_unref (fixture->context.store);
}

static void
on_done (guint method, const char *error_name, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_cmpuint (method, ==, METHOD);
  fixture->error_name = error_name;
  fixture->n_done++;
}

static KvDbusCall *
call_new (Fixture *fixture, Sample *sample, const char *out_signature)
{
  KvDbusMessage message = {
    .head = sample->head,
    .bytes = sample->bytes,
    .length = sample->length,
  };

  return kv_dbus_call_new (fixture->outbox, &message, METHOD, out_signature, on_done, fixture);
}

/* What has been answered last: sound, to us and to GDBus. */
static GDBusMessage *
take_answer (Fixture *fixture)
{
  KvDbusBuffer *bytes = &fixture->answers.bytes;
  g_autoptr (GError) error = NULL;
  GDBusMessage *message;
  KvDbusHead head;
  KvDbusReader reader;

  kv_dbus_cargo_clear (&fixture->answers);
  kv_dbus_outbox_take (fixture->outbox, &fixture->answers);
  g_assert_cmpuint (kv_dbus_buffer_get_length (bytes), >=, KV_DBUS_FIXED_HEAD_BYTES);
  g_assert_cmpuint (kv_dbus_head_measure (bytes->data), ==, kv_dbus_buffer_get_length (bytes));
  g_assert_true (kv_dbus_head_parse (&head, bytes->data, kv_dbus_buffer_get_length (bytes)));
  kv_dbus_head_init_reader (&head, &reader);
  g_assert_true (kv_dbus_reader_check (&reader, head.signature));
  message = g_dbus_message_new_from_blob (bytes->data, kv_dbus_buffer_get_length (bytes),
                                          G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_dbus_message_get_reply_serial (message), ==, 7);
  g_assert_cmpint (g_dbus_message_get_flags (message), ==, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);

  return message;
}

/* Has a method carried out, and gives the types of what it has answered. */
static char *
run (Fixture *fixture, const char *name, const char *parameters)
{
  const KvDbusHead what = {
    .type = KV_DBUS_TYPE_METHOD_CALL,
    .path = KV_DBUS_OBJECT_PATH,
    .interface = KV_DBUS_INTERFACE,
    .member = name,
  };
  const KvDbusMethod *method = kv_dbus_methods_find (&what);
  g_auto (Sample) sample = { 0 };
  g_autoptr (GDBusMessage) answer = NULL;
  g_autoptr (GError) error = NULL;

  sample_init (&sample, g_variant_new_parsed (parameters), G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN);
  g_assert_cmpstr (sample.head.signature, ==, method->in_signature);
  method->handler (&fixture->context, &sample.body,
                   call_new (fixture, &sample, method->out_signature), &error);
  g_assert_no_error (error);
  answer = take_answer (fixture);
  g_assert_cmpint (g_dbus_message_get_message_type (answer), ==, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
  g_assert_cmpstr (g_dbus_message_get_signature (answer), ==, method->out_signature);

  return g_variant_print (g_dbus_message_get_body (answer), TRUE);
}

/* The signature of an answer is that of introspection/; here it is seen that the values are of it. */
static void
test_answers_are_what_introspection_says (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *method;
    const char *parameters;
  } cases[] = {
    { "Get", "('key',)" },
    { "GetBytes", "('key',)" },
    { "GetMany", "(['key', 'missing', 'key'],)" },
    { "GetMany", "(@as [],)" },
    { "Put", "('key', 'new', {'ttl': <100>})" },
    { "Get", "('key',)" },
    { "PutBytes", "('bytes', b'a', @a{sv} {})" },
    { "CompareAndSwap", "('key', 'new', 'newer')" },
    { "Touch", "('key', @a{sv} {})" },
    { "Increment", "('n', int64 -5)" },
    { "GetStatus", "()" },
    { "Batch", "([('GET', 'key', '', @a{sv} {}), ('PUT', 'a', 'b', {}), ('GET', '-', '', {})],)" },
    { "Batch", "(@a(sssa{sv}) [],)" },
    { "Transaction", "(@a(sa{sv}) [('key', {'present': <true>})],"
                     " @a(sssa{sv}) [('PUT', 'key', 'b', {'prev': <true>}),"
                     "               ('INCREMENT', 'n', '', {}), ('GET', 'key', '', {})],"
                     " @a(sssa{sv}) [])" },
    { "Transaction", "(@a(sa{sv}) [('key', {'absent': <true>})], @a(sssa{sv}) [],"
                     " [('GET', '-', '', @a{sv} {})])" },
    { "Delete", "('key', @a{sv} {})" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = run (fixture, cases[i].method, cases[i].parameters);

      g_test_message ("%s: %s", cases[i].method, text);
    }
  g_assert_cmpuint (fixture->n_done, ==, G_N_ELEMENTS (cases));
}

static void
test_wants_no_answer (Fixture *fixture, gconstpointer data)
{
  g_auto (Sample) sample = { 0 };

  sample_init (&sample, g_variant_new ("(s)", "x"), G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  sample.head.flags = KV_DBUS_FLAG_NO_REPLY_EXPECTED;
  kv_dbus_call_return (call_new (fixture, &sample, ""), NULL, NULL);
  g_assert_null (fixture->error_name);
  kv_dbus_call_return_error (call_new (fixture, &sample, ""), "a.b", "text");
  g_assert_cmpstr (fixture->error_name, ==, "a.b");
  kv_dbus_call_drop (call_new (fixture, &sample, ""));
  g_assert_cmpstr (fixture->error_name, ==, KV_DBUS_CALL_DROPPED);
  g_assert_cmpuint (fixture->n_done, ==, 3);
  g_assert_cmpuint (kv_dbus_outbox_get_length (fixture->outbox), ==, 0);
}

static void
test_may_be_answered_when_all_is_over (Fixture *fixture, gconstpointer data)
{
  KvDbusCall *call;
  KvDbusReader reader;

  {
    g_auto (Sample) sample = { 0 };

    sample_init (&sample, g_variant_new ("(s)", "kept"), G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN);
    call = call_new (fixture, &sample, "");
    kv_dbus_call_keep (call);
    memset (sample.bytes, 0xff, sample.length);
  }
  kv_dbus_outbox_close (fixture->outbox);
  g_assert_cmpstr (kv_dbus_call_get_path (call), ==, "/a");
  g_assert_cmpstr (kv_dbus_call_get_signature (call), ==, "s");
  kv_dbus_call_init_reader (call, &reader);
  g_assert_cmpstr (kv_dbus_reader_take_string (&reader, NULL), ==, "kept");
  kv_dbus_call_return (call, NULL, NULL);
  g_assert_cmpuint (fixture->n_done, ==, 1);
}

/* A bus would leave whoever sends it what is no text. */
static void
test_errors_are_text (Fixture *fixture, gconstpointer data)
{
  g_auto (Sample) sample = { 0 };
  g_autoptr (GDBusMessage) answer = NULL;

  sample_init (&sample, g_variant_new ("(s)", "x"), G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  kv_dbus_call_return_error (call_new (fixture, &sample, ""), "a.b",
                             "a\xff"
                             "b");
  answer = take_answer (fixture);
  g_assert_cmpstr (g_dbus_message_get_error_name (answer), ==, "a.b");
  g_assert_cmpstr (g_dbus_message_get_arg0 (answer), ==,
                   "a\xef\xbf\xbd"
                   "b");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/dbus/call/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("answers-are-what-introspection-says", test_answers_are_what_introspection_says);
  ADD ("wants-no-answer", test_wants_no_answer);
  ADD ("may-be-answered-when-all-is-over", test_may_be_answered_when_all_is_over);
  ADD ("errors-are-text", test_errors_are_text);
#undef ADD

  return g_test_run ();
}
