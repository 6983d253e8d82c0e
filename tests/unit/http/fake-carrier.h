/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

#define FAKE_MAX_HEADERS 4

/**
 * FakeRequest:
 * @method: as it stands in a request line
 * @target: path and query, as they stand there
 * @content_type: (nullable): a header
 * @last_event_id: (nullable): a header
 * @headers: other headers, each its name in lower case and its value
 * @body: (nullable): the body
 * @body_length: its bytes, or -1 when NUL-terminated
 *
 * A request that no wire has carried.
 */
typedef struct {
  const char *method;
  const char *target;
  const char *content_type;
  const char *last_event_id;
  struct {
    const char *name;
    const char *value;
  } headers[FAKE_MAX_HEADERS];
  const char *body;
  gssize body_length;
} FakeRequest;

/**
 * FakeAnswer:
 * @status: 0 when the socket was taken instead
 * @headers: (owned) (element-type utf8 utf8): by their names
 * @body: (owned) (element-type gchar): the body
 * @sent: how often the exchange was answered
 * @body_limit: what the route takes
 * @fd: (owned): the client's end of the socket that was taken, or -1
 *
 * What came of it, copied out of the exchange, which is over.
 */
typedef struct {
  guint status;
  GHashTable *headers;
  GString *body;
  guint sent;
  gsize body_limit;
  int fd;
} FakeAnswer;

/**
 * fake_exchange:
 * @bucket: (nullable): the client's
 * @answer: (out caller-allocates): clear it with fake_answer_clear()
 *
 * Carries one request through a route, and runs the thread-default main context until it has been answered, if that has not
 * happened before the route returned.
 */
void fake_exchange (const KvHttpContext *context,
                    KvRateBucket *bucket,
                    const FakeRequest *request,
                    FakeAnswer *answer);

const char *fake_answer_get_header (const FakeAnswer *answer, const char *name);
void fake_answer_clear (FakeAnswer *answer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FakeAnswer, fake_answer_clear)

/**
 * FakeDoor:
 * @store: (owned): an empty store
 * @limits: small ones
 *
 * A store and what routes need, as a fixture for tests.
 */
typedef struct {
  KvStore *store;
  KvHttpLimits limits;
  KvHttpContext context;
} FakeDoor;

void fake_door_set_up (FakeDoor *door, gconstpointer unused);
void fake_door_tear_down (FakeDoor *door, gconstpointer unused);

/**
 * fake_door_ask:
 * @content_type: (nullable): a header
 * @body: (nullable): NUL-terminated
 * @answer: (out caller-allocates): clear it with fake_answer_clear()
 */
void fake_door_ask (FakeDoor *door,
                    const char *method,
                    const char *target,
                    const char *content_type,
                    const char *body,
                    FakeAnswer *answer);

/**
 * fake_door_get_status:
 *
 * Asks as fake_door_ask() does, and keeps only the status of the answer. So do those below, which
 * send no Content-Type but with a POST, which is JSON.
 */
guint fake_door_get_status (FakeDoor *door,
                            const char *method,
                            const char *target,
                            const char *content_type,
                            const char *body);

guint fake_door_get (FakeDoor *door, const char *target);
guint fake_door_put (FakeDoor *door, const char *target, const char *body);
guint fake_door_delete (FakeDoor *door, const char *target);
guint fake_door_post (FakeDoor *door, const char *target, const char *body);

/**
 * fake_door_assert_value:
 *
 * Asserts that a GET of @target answers 200 with @expected.
 */
void fake_door_assert_value (FakeDoor *door, const char *target, const char *expected);

/**
 * fake_json_array:
 *
 * Returns: (transfer full): a JSON array of @n times @entry
 */
char *fake_json_array (guint n, const char *entry);

G_END_DECLS
