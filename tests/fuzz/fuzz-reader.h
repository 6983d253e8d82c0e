/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/wire/kv-http-head.h"

G_BEGIN_DECLS

/* Longer heads are refused by the parser under test, as by default. */
#define FUZZ_MAX_HEAD (64 * 1024)

/* Longer bodies are not read. No input is as long as this. */
#define FUZZ_MAX_BODY (2 * 1024 * 1024)

/**
 * FuzzRequest:
 * @head: as the parser under test understood it
 * @head_bytes: (owned): the bytes of the head, followed by a NUL
 * @method: (owned): the method
 * @target: (owned): the target as it came
 * @body: (owned) (element-type gchar): the body without its framing, followed by a NUL
 * @longest_line: bytes of the longest line of the body as it came
 * @n_trailers: trailers, of a body in chunks
 *
 * A request that the functions of src/http/wire have taken whole.
 */
typedef struct {
  KvHttpHead head;
  char *head_bytes;
  char *method;
  char *target;
  GString *body;
  gsize longest_line;
  guint n_trailers;
} FuzzRequest;

/**
 * FuzzReader:
 * @requests: (owned) (element-type FuzzRequest): the requests that the input begins with
 * @length: how many bytes they are
 * @refused: 0; or the status with which the parser refuses the head that follows
 * @cut_off_is_head: whether a HEAD follows, of which the body is not whole
 *
 * What the functions of src/http/wire make of the bytes that a client sends.
 */
typedef struct {
  GPtrArray *requests;
  gsize length;
  guint refused;
  gboolean cut_off_is_head;
} FuzzReader;

/**
 * fuzz_reader_read:
 * @reader: (out caller-allocates): clear it with fuzz_reader_clear()
 *
 * Reads requests one behind the other for as long as they are whole and well formed, up to one that
 * wants the connection closed. Aborts where a parser gives another answer when the same
 * bytes come one by one.
 */
void fuzz_reader_read (FuzzReader *reader, const char *data, gsize length);

void fuzz_reader_clear (FuzzReader *reader);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FuzzReader, fuzz_reader_clear)

G_END_DECLS
