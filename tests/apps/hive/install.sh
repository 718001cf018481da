# install.sh JARS: the schema of the Metastore's database, which is in no jar but in its archive.
jars=$1
server=org.apache.hive:hive-standalone-metastore-server:4.0.1:tar.gz:bin
mkdir -p "$jars/home"
mvn -q -B -ntp org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="$server" -DoutputDirectory="$jars/home" || exit
(cd "$jars/home" && tar -xzf ./*.tar.gz --strip-components=1 --wildcards '*/upgrade/derby/*' &&
    rm ./*.tar.gz)
