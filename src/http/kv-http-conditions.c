/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-conditions.h"

#include "core/kv-error-details.h"
#include "http/kv-http-uri.h"

#include <string.h>

static void
add_revision (KvHttpTags *tags, guint64 revision)
{
  if (tags->n++ == 0)
    {
      tags->first = revision;
      return;
    }
  if (tags->more == NULL)
    tags->more = g_array_new (FALSE, FALSE, sizeof revision);
  g_array_append_val (tags->more, revision);
}

static gboolean
names (const KvHttpTags *tags, guint64 revision)
{
  if (tags->n > 0 && tags->first == revision)
    return TRUE;
  for (guint i = 1; i < tags->n; i++)
    if (g_array_index (tags->more, guint64, i - 1) == revision)
      return TRUE;
  return FALSE;
}

/* The revision of a tag that we could have given: these are compared byte for byte, so "017" is another. */
static gboolean
is_revision (KvHttpSpan tag, guint64 *revision)
{
  return tag.length > 0 && *tag.data != '0' && kv_http_uri_parse_decimal (tag, revision);
}

/* Takes one entity tag off @rest: `"…"`, or `W/"…"` (RFC 9110, section 8.8.3). */
static gboolean
take_tag (KvHttpSpan *rest, KvHttpSpan *tag, gboolean *weak)
{
  const char *at = rest->data, *end = rest->data + rest->length;

  *weak = rest->length >= 2 && memcmp (at, "W/", 2) == 0;
  at += *weak ? 2 : 0;
  if (at == end || *at != '"')
    return FALSE;
  tag->data = ++at;
  while (at < end && *at != '"' && *at != ' ' && *at != '\t')
    at++;
  if (at == end || *at != '"')
    return FALSE;
  tag->length = (gsize) (at - tag->data);
  at++;
  *rest = (KvHttpSpan){ at, (gsize) (end - at) };
  return TRUE;
}

static void
skip_blanks (KvHttpSpan *rest)
{
  while (rest->length > 0 && (*rest->data == ' ' || *rest->data == '\t'))
    {
      rest->data++;
      rest->length--;
    }
}

/* Elements that are empty are read over (RFC 9110, section 5.6.1.2), but there must be one that is not. */
static gboolean
read_list (KvHttpTags *tags, KvHttpSpan rest, gboolean strong)
{
  gboolean some = FALSE;

  for (;;)
    {
      KvHttpSpan tag;
      gboolean weak;
      guint64 revision;

      skip_blanks (&rest);
      if (rest.length > 0 && *rest.data != ',')
        {
          if (!take_tag (&rest, &tag, &weak))
            return FALSE;
          some = TRUE;
          if (!(weak && strong) && is_revision (tag, &revision))
            add_revision (tags, revision);
          skip_blanks (&rest);
        }
      if (rest.length == 0)
        return some;
      if (*rest.data != ',')
        return FALSE;
      rest.data++;
      rest.length--;
    }
}

/* @strong: whether a weak tag equals nothing (RFC 9110, section 8.8.3.2). */
static gboolean
read_tags (KvHttpTags *tags,
           KvHttpExchange *exchange,
           const char *name,
           const char *shown,
           gboolean strong,
           GError **error)
{
  KvHttpSpan value = kv_http_exchange_get_header (exchange, name);

  if (value.data == NULL)
    return TRUE;
  tags->given = TRUE;
  tags->any = value.length == 1 && *value.data == '*';
  return tags->any || read_list (tags, value, strong)
         || kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, shown,
                                "%s is neither * nor a list of entity tags", shown);
}

gboolean
kv_http_conditions_read (KvHttpConditions *conditions, KvHttpExchange *exchange, GError **error)
{
  *conditions = (KvHttpConditions){ 0 };
  if (!exchange->conditional)
    return TRUE;
  return read_tags (&conditions->match, exchange, "if-match", "If-Match", TRUE, error)
         && read_tags (&conditions->none_match, exchange, "if-none-match", "If-None-Match", FALSE,
                       error);
}

void
kv_http_conditions_clear (KvHttpConditions *conditions)
{
  g_clear_pointer (&conditions->match.more, g_array_unref);
  g_clear_pointer (&conditions->none_match.more, g_array_unref);
}

static gboolean
matches (const KvHttpTags *tags, guint64 revision)
{
  return tags->any || names (tags, revision);
}

void
kv_http_conditions_require (KvHttpConditions *conditions, guint64 revision)
{
  KvHttpTags *match = &conditions->match;
  gboolean possible = !match->given || matches (match, revision);

  g_clear_pointer (&match->more, g_array_unref);
  *match = (KvHttpTags){ .given = TRUE };
  if (possible)
    add_revision (match, revision);
}

static void
set_revisions (KvOperation *operation, KvCondition condition, const KvHttpTags *tags)
{
  operation->condition = condition;
  operation->if_revision = tags->first;
  operation->more_revisions = tags->more != NULL ? (gconstpointer) tags->more->data : NULL;
  operation->n_more_revisions = tags->more != NULL ? tags->more->len : 0;
}

/* What no key fulfils: no revision is 0. */
static void
set_never (KvOperation *operation)
{
  set_revisions (operation, KV_CONDITION_REVISION, &(KvHttpTags){ 0 });
}

/* Two lists come to those that are in one and not in the other. */
static void
remove_revisions (KvHttpTags *tags, const KvHttpTags *removed)
{
  KvHttpTags left = { .given = TRUE };

  for (guint i = 0; i < tags->n; i++)
    {
      guint64 revision = i == 0 ? tags->first : g_array_index (tags->more, guint64, i - 1);

      if (!names (removed, revision))
        add_revision (&left, revision);
    }
  g_clear_pointer (&tags->more, g_array_unref);
  *tags = left;
}

static gboolean
impose_none_match (const KvHttpTags *none_match, KvOperation *operation)
{
  if (none_match->any)
    operation->condition = KV_CONDITION_ABSENT;
  else if (none_match->given)
    set_revisions (operation, KV_CONDITION_NOT_REVISION, none_match);
  return TRUE;
}

gboolean
kv_http_conditions_impose (KvHttpConditions *conditions, KvOperation *operation, GError **error)
{
  KvHttpTags *match = &conditions->match;
  const KvHttpTags *none_match = &conditions->none_match;

  if (!match->given)
    return impose_none_match (none_match, operation);
  if (none_match->any)
    set_never (operation);
  else if (match->any && none_match->given)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "If-None-Match",
                               "If-None-Match cannot be a list where If-Match is *");
  else if (match->any)
    operation->condition = KV_CONDITION_PRESENT;
  else
    {
      if (none_match->given)
        remove_revisions (match, none_match);
      set_revisions (operation, KV_CONDITION_REVISION, match);
    }
  return TRUE;
}

KvHttpVerdict
kv_http_conditions_judge (const KvHttpConditions *conditions, guint64 revision)
{
  if (conditions->match.given && !matches (&conditions->match, revision))
    return KV_HTTP_VERDICT_FAILED;
  if (conditions->none_match.given && matches (&conditions->none_match, revision))
    return KV_HTTP_VERDICT_NOT_MODIFIED;
  return KV_HTTP_VERDICT_GO;
}
