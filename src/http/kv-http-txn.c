/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-txn.h"

#include "core/kv-error-details.h"
#include "core/kv-timestamp.h"
#include "http/kv-http-ttl.h"

#include <string.h>

/* More seconds than a deadline can have anyway. */
#define MANY_SECONDS 1e12

static gboolean
refuse (GError **error, const char *member, const char *what)
{
  return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, member, "\"%s\" must be %s", member,
                             what);
}

static gboolean
read_flag (const json_t *object, const char *name, gboolean *flag, GError **error)
{
  const json_t *member = json_object_get (object, name);

  *flag = json_is_true (member);
  return member == NULL || json_is_boolean (member) || refuse (error, name, "true or false");
}

static gboolean
read_key (const json_t *object, KvHttpSpan *key, GError **error)
{
  return kv_http_json_get_string (object, "key", key, error);
}

/* A number of seconds, or a time, or neither: as parameters of a query have them. */
static gboolean
read_deadline (const json_t *object, gint64 *deadline, GError **error)
{
  const json_t *ttl = json_object_get (object, "ttl");
  const json_t *time = json_object_get (object, "expires_at");
  KvHttpArgument seconds = { .given = ttl != NULL };
  KvHttpArgument wall = { .given = time != NULL };

  if (ttl != NULL && (!json_is_number (ttl) || json_number_value (ttl) < 0))
    return refuse (error, "ttl", "a number of seconds, 0 or more");
  if (ttl != NULL)
    seconds.microseconds = (gint64) (MIN (json_number_value (ttl), MANY_SECONDS) * G_USEC_PER_SEC);
  if (time != NULL
      && (!json_is_string (time)
          || !kv_timestamp_parse (json_string_value (time), json_string_length (time),
                                  &wall.microseconds)))
    return refuse (error, "expires_at", "a time as RFC 3339 has it");
  *deadline = kv_http_ttl_from_arguments (&seconds, &wall);
  return TRUE;
}

/* Of some members that say when a key expires, there may be one. */
static gboolean
check_one_of (const json_t *object, const char *const *names, GError **error)
{
  const char *found = NULL;

  for (; *names != NULL; names++)
    {
      if (json_object_get (object, *names) == NULL)
        continue;
      if (found != NULL)
        return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, *names,
                                   "\"%s\" and \"%s\" exclude each other", found, *names);
      found = *names;
    }
  return TRUE;
}

static gboolean
read_put (const KvHttpExchange *exchange,
          const json_t *object,
          KvOperation *operation,
          GError **error)
{
  static const char *const names[] = { "op",         "key",     "value", "ttl",
                                       "expires_at", "keepttl", "prev",  NULL };
  static const char *const times[] = { "ttl", "expires_at", "keepttl", NULL };
  KvHttpSpan key, value;
  gboolean keeps, previous;
  gint64 deadline;

  if (!kv_http_json_check_members (object, names, error) || !check_one_of (object, times, error)
      || !read_key (object, &key, error)
      || !kv_http_json_get_string (object, "value", &value, error)
      || !kv_http_exchange_check_value (exchange, value.length, "value", "The value is too long",
                                        error)
      || !read_deadline (object, &deadline, error) || !read_flag (object, "keepttl", &keeps, error)
      || !read_flag (object, "prev", &previous, error)
      || !kv_operation_init_put (operation, key.data, (gssize) key.length, value.data,
                                 (gssize) value.length, deadline, error))
    return FALSE;
  operation->keep_deadline = keeps;
  operation->want_previous = previous;
  return TRUE;
}

static gboolean
read_get (const json_t *object, KvOperation *operation, GError **error)
{
  static const char *const names[] = { "op", "key", NULL };
  KvHttpSpan key;

  return kv_http_json_check_members (object, names, error) && read_key (object, &key, error)
         && kv_operation_init (operation, KV_OPERATION_GET, key.data, (gssize) key.length, error);
}

static gboolean
read_delete (const json_t *object, KvOperation *operation, GError **error)
{
  static const char *const names[] = { "op", "key", "prev", NULL };
  gboolean previous;
  KvHttpSpan key;

  if (!kv_http_json_check_members (object, names, error) || !read_key (object, &key, error)
      || !read_flag (object, "prev", &previous, error)
      || !kv_operation_init (operation, KV_OPERATION_DELETE, key.data, (gssize) key.length, error))
    return FALSE;
  operation->want_previous = previous;
  return TRUE;
}

static gboolean
read_incr (const json_t *object, KvOperation *operation, GError **error)
{
  static const char *const names[] = { "op", "key", "by", NULL };
  const json_t *by = json_object_get (object, "by");
  KvHttpSpan key;

  if (!kv_http_json_check_members (object, names, error) || !read_key (object, &key, error)
      || (by != NULL && !json_is_integer (by) && !refuse (error, "by", "a whole number"))
      || !kv_operation_init (operation, KV_OPERATION_INCREMENT, key.data, (gssize) key.length,
                             error))
    return FALSE;
  operation->delta = by != NULL ? json_integer_value (by) : 1;
  return TRUE;
}

static gboolean
read_touch (const json_t *object, KvOperation *operation, GError **error)
{
  static const char *const names[] = { "op", "key", "ttl", "expires_at", "persist", NULL };
  static const char *const times[] = { "ttl", "expires_at", "persist", NULL };
  const json_t *persist = json_object_get (object, "persist");
  gint64 deadline;
  KvHttpSpan key;

  if (!kv_http_json_check_members (object, names, error) || !check_one_of (object, times, error)
      || !read_key (object, &key, error) || !read_deadline (object, &deadline, error))
    return FALSE;
  if (persist != NULL && !json_is_true (persist))
    return refuse (error, "persist", "true");
  if (persist == NULL && json_object_get (object, "ttl") == NULL
      && json_object_get (object, "expires_at") == NULL)
    return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, "ttl",
                               "\"ttl\", \"expires_at\" or \"persist\" must be there");
  return kv_operation_init_touch (operation, key.data, (gssize) key.length, deadline, error);
}

static gboolean
is_word (KvHttpSpan text, const char *word)
{
  return text.length == strlen (word) && memcmp (text.data, word, text.length) == 0;
}

static gboolean
read_operation (const KvHttpExchange *exchange,
                const json_t *object,
                KvOperation *operation,
                GError **error)
{
  KvHttpSpan op;

  if (!kv_http_json_get_string (object, "op", &op, error))
    return FALSE;
  if (is_word (op, "put"))
    return read_put (exchange, object, operation, error);
  if (is_word (op, "get"))
    return read_get (object, operation, error);
  if (is_word (op, "delete"))
    return read_delete (object, operation, error);
  if (is_word (op, "incr"))
    return read_incr (object, operation, error);
  if (is_word (op, "touch"))
    return read_touch (object, operation, error);
  return refuse (error, "op", "\"get\", \"put\", \"delete\", \"incr\" or \"touch\"");
}

static gboolean
set_condition (const json_t *member, const char *name, KvOperation *condition, GError **error)
{
  switch (condition->condition)
    {
    case KV_CONDITION_ABSENT:
    case KV_CONDITION_PRESENT:
      return json_is_true (member) || refuse (error, name, "true");
    case KV_CONDITION_REVISION:
    case KV_CONDITION_NOT_REVISION:
      if (!json_is_integer (member) || json_integer_value (member) < 1)
        return refuse (error, name, "a whole number, 1 or more");
      condition->if_revision = (guint64) json_integer_value (member);
      return TRUE;
    case KV_CONDITION_VALUE:
    case KV_CONDITION_NOT_VALUE:
      if (!json_is_string (member))
        return refuse (error, name, "a string");
      condition->expected = json_string_value (member);
      condition->expected_length = json_string_length (member);
      return TRUE;
    case KV_CONDITION_NONE:
      break;
    }
  g_assert_not_reached ();
}

static gboolean
read_condition (const json_t *object, KvOperation *condition, GError **error)
{
  static const struct {
    const char *name;
    KvCondition condition;
  } kinds[] = {
    { "absent", KV_CONDITION_ABSENT },     { "present", KV_CONDITION_PRESENT },
    { "revision", KV_CONDITION_REVISION }, { "not_revision", KV_CONDITION_NOT_REVISION },
    { "value", KV_CONDITION_VALUE },       { "not_value", KV_CONDITION_NOT_VALUE },
  };
  const char *names[G_N_ELEMENTS (kinds) + 2] = { "key" };
  KvHttpSpan key;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    names[i + 1] = kinds[i].name;
  if (!kv_http_json_check_members (object, names, error) || !check_one_of (object, names + 1, error)
      || !read_key (object, &key, error)
      || !kv_operation_init (condition, KV_OPERATION_GET, key.data, (gssize) key.length, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      const json_t *member = json_object_get (object, kinds[i].name);

      if (member == NULL)
        continue;
      condition->condition = kinds[i].condition;
      return set_condition (member, kinds[i].name, condition, error);
    }
  g_set_error_literal (error, KV_ERROR, KV_ERROR_UNPROCESSABLE,
                       "A condition is \"absent\", \"present\", \"revision\", \"not_revision\", "
                       "\"value\" or \"not_value\"");
  return FALSE;
}

/* Whatever is wrong with a part, the request as a whole cannot be processed; only a value over its limit keeps the status that
 * it has elsewhere. */
static void
name_part (GError *error, const char *list, gsize index)
{
  const char *member = kv_error_get_subject (error);
  g_autofree char *pointer = NULL;

  if (member == NULL && error->code == KV_ERROR_INVALID_KEY)
    member = "key";
  if (member == NULL && error->code == KV_ERROR_INVALID_VALUE)
    member = "value";
  pointer = g_strdup_printf ("/%s/%" G_GSIZE_FORMAT "%s%s", list, index, member != NULL ? "/" : "",
                             member != NULL ? member : "");
  kv_error_set_subject (error, pointer);
  if (error->code != KV_ERROR_TOO_LARGE)
    error->code = KV_ERROR_UNPROCESSABLE;
}

static gboolean
read_part (const KvHttpExchange *exchange,
           const json_t *part,
           gboolean is_condition,
           KvTransaction *transaction,
           GError **error)
{
  g_auto (KvOperation) operation = { 0 };

  if (!json_is_object (part))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNPROCESSABLE, "It must be an object");
      return FALSE;
    }
  if (!(is_condition ? read_condition (part, &operation, error)
                     : read_operation (exchange, part, &operation, error)))
    return FALSE;
  if (is_condition)
    kv_transaction_if (transaction, &operation);
  else
    kv_transaction_add (transaction, &operation);
  return TRUE;
}

static gboolean
read_list (const KvHttpExchange *exchange,
           const json_t *body,
           const char *name,
           KvTransaction *transaction,
           GError **error)
{
  const json_t *list = json_object_get (body, name);
  gboolean is_condition = g_str_equal (name, "if");

  if (list != NULL && !json_is_array (list))
    return refuse (error, name, "an array");
  for (gsize i = 0; i < json_array_size (list); i++)
    {
      GError *problem = NULL;

      if (read_part (exchange, json_array_get (list, i), is_condition, transaction, &problem))
        continue;
      name_part (problem, name, i);
      g_propagate_error (error, problem);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_length (const KvHttpExchange *exchange, const json_t *body, GError **error)
{
  guint most = exchange->context->limits->max_batch;
  gsize operations = json_array_size (json_object_get (body, "then"))
                     + json_array_size (json_object_get (body, "else"));
  GError *problem;

  if (operations == 0)
    return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, "/then", "There is nothing to do");
  if (operations + json_array_size (json_object_get (body, "if")) <= most)
    return TRUE;
  problem = g_error_new (KV_ERROR, KV_ERROR_TOO_LARGE,
                         "A transaction has %u conditions and operations at most", most);
  kv_error_set_limit (problem, most);
  g_propagate_error (error, problem);
  return FALSE;
}

KvTransaction *
kv_http_txn_read (const KvHttpExchange *exchange, const json_t *body, GError **error)
{
  static const char *const names[] = { "if", "then", "else", NULL };
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);

  if (!json_is_object (body))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNPROCESSABLE,
                           "The body must be an object with \"if\", \"then\" and \"else\"");
      return NULL;
    }
  if (!kv_http_json_check_members (body, names, error)
      || !read_list (exchange, body, "if", transaction, error)
      || !read_list (exchange, body, "then", transaction, error))
    return NULL;
  if (json_object_get (body, "else") != NULL)
    kv_transaction_else (transaction);
  if (!read_list (exchange, body, "else", transaction, error)
      || !check_length (exchange, body, error))
    return NULL;
  return g_steal_pointer (&transaction);
}
