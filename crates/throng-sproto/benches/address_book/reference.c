/* Runs the reference on the AddressBook: callbacks from and into structs. Reads "CASE ITERATIONS" lines, answers each with
 * the nanoseconds of processor time it took; "check" answers with the encoded and packed bytes in hex.
 *
 * The structs have fixed room, as C programs that are after speed give them: nothing is allocated while it runs. For the
 * cases that end in "-owned" they have memory of their own instead, as a message has that is kept: strings and lists are
 * allocated while it is decoded, and freed after that. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sproto.h"

struct text { int length; char bytes[32]; };
struct phone { int has_type; struct text number; int64_t type; };
struct person { int64_t id; int has_id; int phones; struct text name; struct text email; struct phone phone[4]; };
struct book { int persons; int others; struct person person[4]; struct person other[4]; };

static int put_text(const struct sproto_arg *args, const struct text *text) {
	if (text->length > args->length) return SPROTO_CB_ERROR;
	memcpy(args->value, text->bytes, text->length);
	return text->length;
}

static int put_integer(const struct sproto_arg *args, int64_t value) {
	if (value == (int32_t)value) {
		*(uint32_t *)args->value = (uint32_t)value;
		return 4;
	}
	*(uint64_t *)args->value = (uint64_t)value;
	return 8;
}

static int encode_phone(const struct sproto_arg *args) {
	const struct phone *phone = args->ud;
	switch (args->tagid) {
	case 0: return phone->number.length ? put_text(args, &phone->number) : SPROTO_CB_NIL;
	case 1: return phone->has_type ? put_integer(args, phone->type) : SPROTO_CB_NIL;
	}
	return SPROTO_CB_ERROR;
}

static int encode_person(const struct sproto_arg *args) {
	const struct person *person = args->ud;
	switch (args->tagid) {
	case 0: return person->name.length ? put_text(args, &person->name) : SPROTO_CB_NIL;
	case 1: return person->has_id ? put_integer(args, person->id) : SPROTO_CB_NIL;
	case 2: return person->email.length ? put_text(args, &person->email) : SPROTO_CB_NIL;
	case 3:
		if (person->phones == 0) return SPROTO_CB_NOARRAY;
		if (args->index > person->phones) return SPROTO_CB_NIL;
		return sproto_encode(args->subtype, args->value, args->length, encode_phone,
			(void *)&person->phone[args->index - 1]);
	}
	return SPROTO_CB_ERROR;
}

static int encode_book(const struct sproto_arg *args) {
	const struct book *book = args->ud;
	const struct person *list = args->tagid == 0 ? book->person : book->other;
	int count = args->tagid == 0 ? book->persons : book->others;
	if (count == 0) return SPROTO_CB_NOARRAY;
	if (args->index > count) return SPROTO_CB_NIL;
	return sproto_encode(args->subtype, args->value, args->length, encode_person, (void *)&list[args->index - 1]);
}

static int take_text(const struct sproto_arg *args, struct text *text) {
	if (args->length > (int)sizeof(text->bytes)) return SPROTO_CB_ERROR;
	memcpy(text->bytes, args->value, args->length);
	text->length = args->length;
	return 0;
}

static int decode_phone(const struct sproto_arg *args) {
	struct phone *phone = args->ud;
	switch (args->tagid) {
	case 0: return take_text(args, &phone->number);
	case 1: phone->type = *(int64_t *)args->value; phone->has_type = 1; return 0;
	}
	return 0;
}

static int decode_person(const struct sproto_arg *args) {
	struct person *person = args->ud;
	switch (args->tagid) {
	case 0: return take_text(args, &person->name);
	case 1: person->id = *(int64_t *)args->value; person->has_id = 1; return 0;
	case 2: return take_text(args, &person->email);
	case 3: {
		struct phone *phone;
		int used;
		if (args->index < 0) return 0;
		if (args->index > 4) return SPROTO_CB_ERROR;
		phone = &person->phone[args->index - 1];
		phone->number.length = 0;
		phone->has_type = 0;
		person->phones = args->index;
		used = sproto_decode(args->subtype, args->value, args->length, decode_phone, phone);
		return used == args->length ? 0 : SPROTO_CB_ERROR;
	}
	}
	return 0;
}

static int decode_book(const struct sproto_arg *args) {
	struct book *book = args->ud;
	struct person *person;
	int used;
	if (args->index < 0) return 0;
	if (args->index > 4) return SPROTO_CB_ERROR;
	if (args->tagid == 0) {
		book->persons = args->index;
		person = &book->person[args->index - 1];
	} else {
		book->others = args->index;
		person = &book->other[args->index - 1];
	}
	person->has_id = person->phones = person->name.length = person->email.length = 0;
	used = sproto_decode(args->subtype, args->value, args->length, decode_person, person);
	return used == args->length ? 0 : SPROTO_CB_ERROR;
}

struct owned_text { int length; char *bytes; };
struct owned_phone { int has_type; struct owned_text number; int64_t type; };
struct owned_person {
	int64_t id;
	int has_id, phones, room;
	struct owned_text name, email;
	struct owned_phone *phone;
};
struct owned_book { int persons[2], room[2]; struct owned_person *person[2]; };

static int own_text(const struct sproto_arg *args, struct owned_text *text) {
	free(text->bytes);
	text->bytes = malloc(args->length);
	if (!text->bytes) return SPROTO_CB_ERROR;
	memcpy(text->bytes, args->value, args->length);
	text->length = args->length;
	return 0;
}

/* Makes room for the element of an index, from 1, and returns it, all zeros. */
static void *own_element(void **list, int *room, int index, size_t size) {
	void *element;
	if (index > *room) {
		int more = *room ? *room * 2 : 4;
		void *grown = realloc(*list, more * size);
		if (!grown) return NULL;
		*list = grown;
		*room = more;
	}
	element = (char *)*list + (index - 1) * size;
	memset(element, 0, size);
	return element;
}

static int own_phone(const struct sproto_arg *args) {
	struct owned_phone *phone = args->ud;
	switch (args->tagid) {
	case 0: return own_text(args, &phone->number);
	case 1: phone->type = *(int64_t *)args->value; phone->has_type = 1; return 0;
	}
	return 0;
}

static int own_person(const struct sproto_arg *args) {
	struct owned_person *person = args->ud;
	switch (args->tagid) {
	case 0: return own_text(args, &person->name);
	case 1: person->id = *(int64_t *)args->value; person->has_id = 1; return 0;
	case 2: return own_text(args, &person->email);
	case 3: {
		struct owned_phone *phone;
		if (args->index < 0) return 0;
		phone = own_element((void **)&person->phone, &person->room, args->index, sizeof(*phone));
		if (!phone) return SPROTO_CB_ERROR;
		person->phones = args->index;
		return sproto_decode(args->subtype, args->value, args->length, own_phone, phone) == args->length
			? 0 : SPROTO_CB_ERROR;
	}
	}
	return 0;
}

static int own_book(const struct sproto_arg *args) {
	struct owned_book *book = args->ud;
	struct owned_person *person;
	int list = args->tagid != 0;
	if (args->index < 0) return 0;
	person = own_element((void **)&book->person[list], &book->room[list], args->index, sizeof(*person));
	if (!person) return SPROTO_CB_ERROR;
	book->persons[list] = args->index;
	return sproto_decode(args->subtype, args->value, args->length, own_person, person) == args->length
		? 0 : SPROTO_CB_ERROR;
}

static void free_book(struct owned_book *book) {
	int list, i, j;
	for (list = 0; list < 2; list++) {
		for (i = 0; i < book->persons[list]; i++) {
			struct owned_person *person = &book->person[list][i];
			for (j = 0; j < person->phones; j++) free(person->phone[j].number.bytes);
			free(person->phone);
			free(person->name.bytes);
			free(person->email.bytes);
		}
		free(book->person[list]);
	}
}

static int decode_owned(const struct sproto_type *type, const char *bytes, int length) {
	struct owned_book book;
	int used;
	memset(&book, 0, sizeof(book));
	used = sproto_decode(type, bytes, length, own_book, &book);
	free_book(&book);
	return used;
}

static void set_text(struct text *text, const char *value) {
	text->length = (int)strlen(value);
	memcpy(text->bytes, value, text->length);
}

static void set_person(struct person *person, const char *name, int64_t id) {
	set_text(&person->name, name);
	person->id = id;
	person->has_id = 1;
}

static void add_phone(struct person *person, const char *number, int64_t type) {
	struct phone *phone = &person->phone[person->phones++];
	set_text(&phone->number, number);
	phone->type = type;
	phone->has_type = type != 0;
}

static void fill(struct book *book) {
	memset(book, 0, sizeof(*book));
	book->persons = 2;
	set_person(&book->person[0], "Alice", 10000);
	add_phone(&book->person[0], "123456789", 1);
	add_phone(&book->person[0], "87654321", 2);
	set_person(&book->person[1], "Bob", 20000);
	add_phone(&book->person[1], "01234567890", 3);
}

static void print_hex(const char *bytes, int length) {
	int i;
	for (i = 0; i < length; i++) printf("%02x", (unsigned char)bytes[i]);
}

static int64_t now(void) {
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct book book, decoded;
static char encoded[4096], packed[4096], unpacked[4096];
static int encoded_length, packed_length;

static int run(const struct sproto_type *type, const char *what) {
	int length;
	if (!strcmp(what, "encode")) return sproto_encode(type, encoded, sizeof(encoded), encode_book, &book);
	if (!strcmp(what, "decode")) {
		decoded.persons = decoded.others = 0;
		return sproto_decode(type, encoded, encoded_length, decode_book, &decoded);
	}
	if (!strcmp(what, "decode-owned")) return decode_owned(type, encoded, encoded_length);
	if (!strcmp(what, "encode+pack")) {
		length = sproto_encode(type, encoded, sizeof(encoded), encode_book, &book);
		return sproto_pack(encoded, length, packed, sizeof(packed));
	}
	length = sproto_unpack(packed, packed_length, unpacked, sizeof(unpacked));
	if (!strcmp(what, "unpack+decode-owned")) return decode_owned(type, unpacked, length);
	decoded.persons = decoded.others = 0;
	return sproto_decode(type, unpacked, length, decode_book, &decoded);
}

int main(int argc, char **argv) {
	static char bundle[65536], what[32];
	size_t length;
	long count, i;
	const struct sproto_type *type;
	FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
	struct sproto *sproto;
	if (!file) return 2;
	length = fread(bundle, 1, sizeof(bundle), file);
	fclose(file);
	sproto = sproto_create(bundle, length);
	type = sproto ? sproto_type(sproto, "AddressBook") : NULL;
	if (!type) return 3;
	fill(&book);
	encoded_length = run(type, "encode");
	packed_length = run(type, "encode+pack");
	if (run(type, "unpack+decode") != encoded_length) return 4;
	if (run(type, "unpack+decode-owned") != encoded_length) return 4;
	while (scanf("%31s %ld", what, &count) == 2) {
		int64_t start = now();
		if (!strcmp(what, "check")) {
			print_hex(encoded, encoded_length);
			printf(" ");
			print_hex(packed, packed_length);
			printf(" %d %d %.*s\n", decoded.persons, decoded.others, decoded.person[1].phone[0].number.length,
				decoded.person[1].phone[0].number.bytes);
			fflush(stdout);
			continue;
		}
		for (i = 0; i < count; i++)
			if (run(type, what) < 0) return 5;
		printf("%lld\n", (long long)(now() - start));
		fflush(stdout);
	}
	return 0;
}
