/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/* The query of a route that refuses what it does not know: each such route has a table of its parameters. A misspelt
 * `keepttl` would take a deadline away otherwise. */

/**
 * KvHttpParameterKind:
 * @KV_HTTP_PARAMETER_FLAG: there without a value, or `true` or `false`
 * @KV_HTTP_PARAMETER_CHOICE: one of some words
 * @KV_HTTP_PARAMETER_COUNT: a whole number, 0 or more
 * @KV_HTTP_PARAMETER_INTEGER: a signed 64-bit integer
 * @KV_HTTP_PARAMETER_SECONDS: a number of seconds, 0 or more, perhaps with a fraction; what is finer than a microsecond is
 *   cut off
 * @KV_HTTP_PARAMETER_TIME: a time of the wall clock (RFC 3339); a '+' in it is a plus
 * @KV_HTTP_PARAMETER_TEXT: any text without U+0000
 * @KV_HTTP_PARAMETER_KEY: a key
 * @KV_HTTP_PARAMETER_PREFIX: what keys may begin with; or nothing, with which all do
 */
typedef enum {
  KV_HTTP_PARAMETER_FLAG,
  KV_HTTP_PARAMETER_CHOICE,
  KV_HTTP_PARAMETER_COUNT,
  KV_HTTP_PARAMETER_INTEGER,
  KV_HTTP_PARAMETER_SECONDS,
  KV_HTTP_PARAMETER_TIME,
  KV_HTTP_PARAMETER_TEXT,
  KV_HTTP_PARAMETER_KEY,
  KV_HTTP_PARAMETER_PREFIX,
} KvHttpParameterKind;

/**
 * KvHttpParameter:
 * @name: how it is called
 * @kind: what it is
 * @group: those of one group exclude each other; 0 for none
 * @repeats: whether it may be there more than once; only where it is some text
 * @least: COUNT: the smallest that is taken
 * @most: COUNT: the largest that is taken; 0 where there is no limit
 * @choices: (array zero-terminated=1): CHOICE: the words
 *
 * A line in the table of a route.
 */
typedef struct {
  const char *name;
  KvHttpParameterKind kind;
  guint group;
  gboolean repeats;
  guint64 least;
  guint64 most;
  const char *const *choices;
} KvHttpParameter;

/**
 * KvHttpArgument:
 * @given: whether it is there
 * @flag: FLAG: whether it is, and not `false`
 * @choice: CHOICE: which word, by its place
 * @count: COUNT
 * @integer: INTEGER
 * @microseconds: SECONDS: so many; TIME: since the epoch
 * @texts: (owned) (nullable) (element-type utf8): TEXT, KEY, PREFIX: what was given, one or several
 *
 * What a request says for one line of the table. All zero where it is not given.
 */
typedef struct {
  gboolean given;
  union {
    gboolean flag;
    guint choice;
    guint64 count;
    gint64 integer;
    gint64 microseconds;
  };
  GPtrArray *texts;
} KvHttpArgument;

/**
 * kv_http_parameters_read:
 * @query: a query as it came, or no data
 * @parameters: (array length=length): the table
 * @arguments: (out caller-allocates) (array length=length): what is said for each of its lines; to be cleared with
 *   kv_http_arguments_clear() where one is some text
 * @error: set to %KV_ERROR_INVALID_ARGUMENT or %KV_ERROR_INVALID_KEY, with the parameter's name as its subject, when one is not in
 *   the table, is there too often or together with one that it excludes, or has another value than it takes
 *
 * Reads a query, as HTML forms write it (`a=1&b=2`). Nothing between two '&' is nothing.
 *
 * Returns: %FALSE on an error; then no argument needs clearing
 */
gboolean kv_http_parameters_read (KvHttpSpan query,
                                  const KvHttpParameter *parameters,
                                  guint length,
                                  KvHttpArgument *arguments,
                                  GError **error);

/**
 * kv_http_parameters_read_none:
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when there is one
 *
 * For a route that has no parameters.
 */
gboolean kv_http_parameters_read_none (KvHttpSpan query, GError **error);

/**
 * kv_http_arguments_clear:
 * @arguments: (array length=length): as kv_http_parameters_read() left them
 */
void kv_http_arguments_clear (KvHttpArgument *arguments, guint length);

G_END_DECLS
