/* Runs the reference's Lua binding on the AddressBook, in a loop of Lua's own. Takes the file of a schema's bundle and a Lua
 * script that is given it; reads "CASE ITERATIONS" lines, calls the function of that name that the script returned, and answers
 * each with the nanoseconds of processor time it took; "check" answers with what the script's function of that name returns. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

int luaopen_sproto_core(lua_State *L);

static int64_t now(void) {
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int fail(lua_State *L, int code) {
	fprintf(stderr, "%s\n", lua_tostring(L, -1));
	return code;
}

int main(int argc, char **argv) {
	static char bundle[65536], what[32];
	long count;
	size_t length;
	FILE *file = argc > 2 ? fopen(argv[1], "rb") : NULL;
	lua_State *L = luaL_newstate();
	if (!file || !L) return 2;
	length = fread(bundle, 1, sizeof(bundle), file);
	fclose(file);
	luaL_openlibs(L);
	luaL_requiref(L, "sproto.core", luaopen_sproto_core, 0);
	lua_settop(L, 0);
	if (luaL_loadfile(L, argv[2])) return fail(L, 3);
	lua_pushlstring(L, bundle, length);
	if (lua_pcall(L, 1, 1, 0)) return fail(L, 4);
	while (scanf("%31s %ld", what, &count) == 2) {
		int64_t start;
		lua_getfield(L, 1, what);
		lua_pushinteger(L, count);
		start = now();
		if (lua_pcall(L, 1, 1, 0)) return fail(L, 5);
		if (!strcmp(what, "check"))
			printf("%s\n", lua_tostring(L, -1));
		else
			printf("%lld\n", (long long)(now() - start));
		lua_settop(L, 1);
		fflush(stdout);
	}
	return 0;
}
