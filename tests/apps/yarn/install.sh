# install.sh JARS: Hadoop's native library. On a secure cluster MapReduce's shuffle refuses to read
# files unless this library tells their owner, and Hadoop's own artifacts do not have it. Trino's
# do.
jars=$1
native=io.trino.hadoop:hadoop-apache:3.3.5-3
mkdir -p "$jars/native"
mvn -q -B -ntp org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="$native" -DoutputDirectory="$jars/native" || exit
(cd "$jars/native" && case $(uname -m) in aarch64) from=aarch64 ;; *) from=amd64 ;; esac &&
    jar xf hadoop-apache-*.jar "nativelib/Linux-$from/libhadoop.so" &&
    mv nativelib/*/libhadoop.so . && rm -r nativelib hadoop-apache-*.jar)
