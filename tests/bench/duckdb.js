// DuckDB for the benchmark: runs the SQL statements of its standard input, one a line, and answers
// each with a line: a JSON array of rows, or an error.
//
//     NODE_PATH=.../node_modules node duckdb.js DATABASE
const readline = require("readline");
const { DuckDBInstance } = require("@duckdb/node-api");

async function main() {
    const instance = await DuckDBInstance.create(process.argv[2]);
    const connection = await instance.connect();
    const lines = readline.createInterface({ input: process.stdin });

    for await (const statement of lines) {
        try {
            const reader = await connection.runAndReadAll(statement);
            console.log(JSON.stringify(reader.getRowsJson()));
        } catch (error) {
            console.log(`error: ${error.message.replaceAll("\n", " ")}`);
        }
    }
    connection.closeSync();
    instance.closeSync();
}

main();
