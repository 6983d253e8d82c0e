/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

/* What writer and reader of a dump agree on: a line of JSON each for the head, for every entry, and for the end. */

/**
 * KV_DUMP_VERSION:
 *
 * The version of the format. It rises when a reader of the one before would get something wrong; members that such a reader
 * may ignore come without that.
 */
#define KV_DUMP_VERSION 1

/**
 * KV_DUMP_CONTENT_TYPE:
 *
 * What a dump is called where types have names.
 */
#define KV_DUMP_CONTENT_TYPE "application/x-ndjson"
